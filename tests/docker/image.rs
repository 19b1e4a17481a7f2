//! The wheel builder on a real engine: what it builds runs, and is the same wherever it is built.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stderr, missing_docs)]

#[path = "image/lock.rs"]
mod lock;
#[path = "image/oracle.rs"]
mod oracle;
#[path = "image/world.rs"]
mod world;

use bollard::models::{ContainerConfig, VolumeCreateRequest};
use bollard::query_parameters::RemoveVolumeOptions;
use nonevent_engine::image::{
    DevelopmentBuild, DevelopmentImage, ImageError, development_image, inspect, python_runtime, resolve_base, tool_volumes,
};
use nonevent_engine::model::{BuilderKind, Digest, ImageReport, RunId};
use world::{REQUIREMENTS, World, project, shop};

/// What gates of these tests need; the release does not hold it.
const DEVELOPMENT: [&str; 2] = ["pytest", "ruff"];

#[tokio::test]
async fn an_app_runs_from_its_image_as_nobody_on_a_read_only_root() {
    let world = World::new().await;
    let (project, wheels) = (shop(), lock::wheels(&REQUIREMENTS));
    let report = world.build(project.path(), &wheels).await.unwrap();
    assert_eq!(
        report.warnings,
        [
            "`.env` and `server.pem` would be in the image and were left out, for fear of secrets; name them in `[build] include` to keep them"
        ]
    );
    let told: serde_json::Value = serde_json::from_str(&world.output(&report.engine_id, &["shop"]).await).unwrap();
    let files = ["/app/pyproject.toml", "/app/src/shop/__init__.py", "/app/src/shop/cli.py", "/app/src/shop/greeting.txt"];
    assert_eq!(
        told,
        serde_json::json!({
            "answer": "hello",
            "uid": 65532,
            "cwd": "/app",
            "root": "read-only",
            "prefix": "/opt/venv",
            "executable": "/opt/venv/bin/python",
            "version": "1.2.3",
            "speedups": true,
            "files": files,
        })
    );
}

#[tokio::test]
async fn the_same_source_gives_the_same_digest_from_any_folder_and_cache() {
    let (here, mut there) = (World::new().await, World::new().await);
    there.name = here.name.clone();
    let wheels = lock::wheels(&REQUIREMENTS);
    let (one, other) = (shop(), shop());
    let first = here.build(one.path(), &wheels).await.unwrap();
    assert!(!first.reused);
    let mut reversed = wheels.clone();
    reversed.reverse();
    let second = there.build(other.path(), &reversed).await.unwrap();
    assert!(second.reused);
    assert_eq!(ImageReport { reused: false, ..second }, first);
    // What was built once needs neither wheels nor layers to be recognised.
    std::fs::remove_dir_all(here.cache.path().join("wheels")).unwrap();
    std::fs::remove_dir_all(here.cache.path().join("blobs")).unwrap();
    assert!(here.build(one.path(), &wheels).await.unwrap().reused);
    assert!(!here.cache.path().join("wheels").exists());
    let base = here.base().await;
    assert_eq!(first.layers[..base.diff_ids.len()], base.diff_ids);
    let held = inspect(&here.docker, first.engine_id.as_str()).await.unwrap().unwrap();
    assert_eq!(held.diff_ids, first.layers);
    assert_eq!(held.tags, [format!("nonevent/{}:{}", here.name, first.digest.short())]);
    assert_eq!(held.labels["dev.nonevent.role"], "release");
}

#[tokio::test]
async fn one_changed_line_changes_the_last_layer_alone() {
    let world = World::new().await;
    let (project, wheels) = (shop(), lock::wheels(&REQUIREMENTS));
    let before = world.build(project.path(), &wheels).await.unwrap();
    std::fs::write(project.path().join("tests/test_shop.py"), "").unwrap();
    assert_eq!(world.build(project.path(), &wheels).await.unwrap().digest, before.digest);
    std::fs::write(project.path().join("src/shop/greeting.txt"), "good day").unwrap();
    let after = world.build(project.path(), &wheels).await.unwrap();
    assert!(!after.reused);
    let last = before.layers.len() - 1;
    assert_eq!(after.layers[..last], before.layers[..last]);
    assert_ne!(after.layers[last], before.layers[last]);
    assert!(world.output(&after.engine_id, &["shop"]).await.contains("good day"));
}

#[tokio::test]
async fn an_engine_that_lost_everything_gets_everything_again() {
    let world = World::new().await;
    let (project, wheels) = (shop(), lock::wheels(&REQUIREMENTS));
    let first = world.build(project.path(), &wheels).await.unwrap();
    let force = bollard::query_parameters::RemoveImageOptionsBuilder::new().force(true).build();
    world.docker.client.remove_image(first.engine_id.as_str(), Some(force), None).await.unwrap();
    // The cache lost its layers too: only the records are left.
    std::fs::remove_dir_all(world.cache.path().join("blobs")).unwrap();
    let again = world.build(project.path(), &wheels).await.unwrap();
    assert_eq!(again, first);
    assert!(world.output(&again.engine_id, &["shop"]).await.contains("hello"));
}

#[tokio::test]
async fn gates_run_in_the_release_s_own_layers() {
    let world = World::new().await;
    let project = shop();
    let report = world.build(project.path(), &lock::wheels(&REQUIREMENTS)).await.unwrap();
    let development = develop(&world, &report, project.path()).await.unwrap();
    assert_eq!(development.layers[..report.layers.len()], report.layers);
    assert_eq!(development.python, "/opt/venv/bin/python");
    assert_eq!(development.workdir, "/app");
    assert_eq!(development.added_files, ["README.md", "tests/test_shop.py"]);
    let held = inspect(&world.docker, development.engine_id.as_str()).await.unwrap().unwrap();
    assert_eq!(held.diff_ids, development.layers);
    assert_eq!(held.labels["dev.nonevent.role"], "development");
    let pytest = world.output_beside_tools(&development, &["pytest", "-p", "no:cacheprovider", "tests"]).await;
    assert!(pytest.contains("1 passed"), "{pytest}");
    let ruff = world.output_beside_tools(&development, &["ruff", "check", "--no-cache", "."]).await;
    assert!(ruff.contains("All checks passed"), "{ruff}");
    // What ships comes before what only gates need.
    let paths = world.output_beside_tools(&development, &["python", "-c", "import sys; print(*sys.path, sep='\\n')"]).await;
    let position =
        |wanted: &str| paths.lines().position(|path| path == wanted).unwrap_or_else(|| panic!("{wanted} not in:\n{paths}"));
    assert!(position("/opt/venv/lib/python3.13/site-packages") < position("/opt/nonevent/dev/lib/python3.13/site-packages"));
    assert_eq!(develop(&world, &report, project.path()).await.unwrap(), development);
}

#[tokio::test]
async fn development_wheels_are_unpacked_once_for_any_number_of_changes() {
    let world = World::new().await;
    let project = shop();
    let wheels = lock::wheels(&REQUIREMENTS);
    let change = async |greeting: &str| {
        std::fs::write(project.path().join("src/shop/greeting.txt"), greeting).unwrap();
        let report = world.build(project.path(), &wheels).await.unwrap();
        develop(&world, &report, project.path()).await.unwrap()
    };
    let first = change("good day").await;
    let tools = first.tools.clone().unwrap();
    let second = change("good evening").await;
    assert_ne!(second.engine_id, first.engine_id);
    assert_eq!(second.tools.as_ref(), Some(&tools));
    let stolen = world.docker.client.remove_volume(&tools.name, None::<RemoveVolumeOptions>).await;
    assert!(stolen.is_err(), "a run keeps what it reads");
    world.remove_containers().await;
    // A volume of that name that nobody filled, such as a container makes that outlives it, is not taken for it.
    world.docker.client.remove_volume(&tools.name, None::<RemoveVolumeOptions>).await.unwrap();
    let empty = VolumeCreateRequest { name: Some(tools.name.clone()), ..VolumeCreateRequest::default() };
    world.docker.client.create_volume(empty).await.unwrap();
    let third = change("good night").await;
    let again = third.tools.clone().unwrap();
    assert_ne!(again.name, tools.name);
    assert_eq!(again.layers, tools.layers);
    assert_eq!(tool_volumes(&world.docker, &world.name).await.unwrap(), [again.name]);
    assert!(world.output_beside_tools(&third, &["pytest", "--version"]).await.contains("pytest"));
    // Gates cannot change what the next ones run.
    let touch = "import pathlib; pathlib.Path('/opt/nonevent/dev/mine').write_text('')";
    let (code, text) = world.run_beside_tools(&third, &["python", "-c", touch]).await;
    assert!(code != 0 && text.contains("Read-only file system"), "{code}: {text}");
}

#[tokio::test]
async fn gates_of_a_dockerfile_image_find_app_and_tools() {
    let world = World::new().await;
    let project = shop();
    let config = ContainerConfig {
        working_dir: Some("/srv/shop".into()),
        entrypoint: Some(vec!["/bin/false".into()]),
        ..ContainerConfig::default()
    };
    let files =
        [("srv/shop/src/shop/__init__.py", ""), ("srv/shop/src/shop/cli.py", "def greeting() -> str:\n    return \"hello\"\n")];
    let engine_id = world.commit(&files, config).await;
    let image = inspect(&world.docker, engine_id.as_str()).await.unwrap().unwrap();
    let python = python_runtime(&world.docker, &engine_id, world.cache.path()).await.unwrap();
    assert!(python.version.starts_with("3.13."), "{}", python.version);
    let report = ImageReport {
        digest: engine_id.clone(),
        engine_id,
        builder: BuilderKind::Dockerfile,
        base: None,
        size: 0,
        layers: image.diff_ids.clone(),
        reused: false,
        warnings: Vec::new(),
        workdir: image.workdir.clone(),
    };
    let development = develop(&world, &report, project.path()).await.unwrap();
    assert_eq!(development.layers[..report.layers.len()], report.layers);
    assert_eq!(development.workdir, "/srv/shop");
    assert_eq!(development.added_files, ["README.md", "pyproject.toml", "src/shop/greeting.txt", "tests/test_shop.py"]);
    let pytest = world.output_beside_tools(&development, &["pytest", "-p", "no:cacheprovider", "tests"]).await;
    assert!(pytest.contains("1 passed"), "{pytest}");
}

#[tokio::test]
async fn a_base_that_only_the_engine_has_is_a_base() {
    let world = World::new().await;
    let id = world.commit(&[("etc/made-here", "")], ContainerConfig::default()).await;
    let name = format!("{}/base", world.name);
    let options = bollard::query_parameters::TagImageOptionsBuilder::new().repo(&name).tag("1").build();
    world.docker.client.tag_image(id.as_str(), Some(options)).await.unwrap();
    let base = resolve_base(&world.docker, &format!("{name}:1"), None, world.cache.path()).await.unwrap();
    assert_eq!(base.pinned.digest, id);
    let again = resolve_base(&world.docker, &format!("{name}:1"), Some(&id), world.cache.path()).await.unwrap();
    assert_eq!(again, base);
    let project = shop();
    let report = world.build_on(&base, project.path(), &lock::wheels(&REQUIREMENTS)).await.unwrap();
    assert_eq!(report.layers[..base.diff_ids.len()], base.diff_ids);
    assert!(world.output(&report.engine_id, &["shop"]).await.contains("hello"));
    world.output(&report.engine_id, &["test", "-e", "/etc/made-here"]).await;
}

#[tokio::test]
async fn a_pinned_base_needs_no_registry_and_a_lost_pin_says_so() {
    let mut world = World::new().await;
    let base = world.base().await;
    world.docker.info.mirrors = vec!["http://127.0.0.1:9".into()];
    let again = resolve_base(&world.docker, world::BASE, Some(&base.pinned.digest), world.cache.path()).await.unwrap();
    assert_eq!(again, base);
    let gone = Digest::new(format!("sha256:{}", "0".repeat(64)));
    let error = resolve_base(&world.docker, world::BASE, Some(&gone), world.cache.path()).await.unwrap_err();
    assert!(matches!(error, ImageError::PinGone { .. } | ImageError::NoBase { .. }), "{error}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_base_that_nobody_has_and_one_without_python_say_so() {
    let world = World::new().await;
    let error = resolve_base(&world.docker, "127.0.0.1:9/nobody/has-this:1", None, world.cache.path()).await.unwrap_err();
    assert_eq!(error.to_string(), "`127.0.0.1:9/nobody/has-this:1` is neither in a registry nor in the engine");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("the registry 127.0.0.1:9 does not answer: "), "{cause}");
    let error = resolve_base(&world.docker, "haproxy:3.2", None, world.cache.path()).await.unwrap_err();
    assert!(matches!(error, ImageError::NoPython { .. }), "{error}");
    assert!(error.to_string().ends_with("there is no `python3` on its PATH"), "{error}");
}

#[tokio::test]
async fn a_project_without_dependencies_is_an_image_too() {
    let world = World::new().await;
    let project = project(&[("src/shop/__init__.py", ""), ("src/shop/cli.py", "def main() -> None:\n    print('alone')\n")]);
    let report = world.build(project.path(), &[]).await.unwrap();
    assert_eq!(world.output(&report.engine_id, &["shop"]).await, "alone\n");
}

/// Pinned: wheels with scripts of both kinds, data files, headers, extension modules, names with dots, and many files.
const POPULAR: [&str; 14] = [
    "requests==2.32.3",
    "fastapi==0.115.6",
    "jinja2==3.1.5",
    "sqlalchemy==2.0.36",
    "gunicorn==23.0.0",
    "rich==13.9.4",
    "celery==5.4.0",
    "black==24.10.0",
    "docutils==0.18.1",
    "pyyaml==6.0.2",
    "orjson==3.10.13",
    "protobuf==5.29.2",
    "jupyterlab-widgets==3.0.13",
    "ruamel.yaml==0.18.6",
];

#[tokio::test]
async fn real_wheels_are_installed_as_uv_and_pip_install_them() {
    let world = World::new().await;
    let wheels = lock::wheels(&POPULAR);
    let project = project(&[("README.md", "")]);
    let mut local = world::local_project(project.path());
    local.version = None;
    local.scripts.clear();
    local.import_roots.clear();
    world.build_project(&world.base().await, &local, &wheels).await.unwrap();
    let cache = world.cache.path();
    let ours = oracle::from_layers(cache);
    assert!(ours.len() > 2000, "{} files", ours.len());
    oracle::assert_same(&ours, &oracle::by_uv(&wheels, cache), "uv");
    oracle::assert_same(&oracle::without_x(&ours), &oracle::without_x(&oracle::by_pip(&wheels, cache)), "pip");
}

async fn develop(world: &World, report: &ImageReport, root: &std::path::Path) -> Result<DevelopmentImage, ImageError> {
    let wheels = lock::wheels(&DEVELOPMENT);
    let build = DevelopmentBuild {
        image: report,
        project: &world.name,
        run: &RunId::generate(),
        wheels: &wheels,
        root,
        sources: None,
        import_roots: &["src".to_owned()],
        settings: &world.settings,
        cache: world.cache.path(),
        progress: &|line| eprintln!("{line}"),
    };
    development_image(&world.docker, build).await
}
