//! Whole images of synthetic wheels, without an engine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::synthetic::{Draft, app, base, project, settings};
use crate::image::error::ImageError;
use crate::image::wheels::dependencies::Blobs;
use crate::image::wheels::release::{Assembled, assemble};
use crate::image::wheels::{LocalProject, Wheel, WheelBuild, WheelError};
use crate::model::{ImageReport, StoreKind};

fn write_source(root: &Path) {
    for (path, text) in [
        ("pyproject.toml", "[project]\nname = \"shop\"\n"),
        ("src/shop/__init__.py", ""),
        ("src/shop/cli.py", "def main():\n    print('hello')\n"),
        ("src/shop/data/ü.txt", "umlaut"),
        ("bin/run.sh", "#!/bin/sh\n"),
        ("tests/test_shop.py", ""),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::set_permissions(root.join("bin/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("shop", root.join("src/alias")).unwrap();
}

fn wheels(folder: &Path) -> Vec<Wheel> {
    let big: Vec<u8> = (0..3_000_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    vec![
        Draft::new("small").file("small/__init__.py", b"x = 1\n").write(folder),
        Draft::new("big-one").file("big_one/__init__.py", b"").file("big_one/data.bin", &big).write(folder),
        Draft::new("namespaced").file("small/__init__.py", b"x = 1\n").file("small/more.py", b"").write(folder),
    ]
}

async fn assembled(root: &Path, wheels: &[Wheel], cache: &Path) -> Result<Assembled, ImageError> {
    let (base, settings, app, project) = (base(), settings(), app(), project(root.to_owned()));
    let build = WheelBuild {
        base: &base,
        wheels,
        project: &project,
        tree: None,
        companions: &[],
        settings: &settings,
        app: &app,
        cache,
        progress: &|_| {},
    };
    assemble(&build, Blobs::Needed, StoreKind::Classic).await
}

async fn report(root: &Path, wheels: &[Wheel], cache: &Path) -> ImageReport {
    assembled(root, wheels, cache).await.map(|assembled| assembled.report).unwrap()
}

#[tokio::test]
async fn golden_digests_of_a_synthetic_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    write_source(&root);
    let made = assembled(&root, &wheels(folder.path()), &folder.path().join("cache")).await.unwrap();
    let layers: Vec<_> = made.package.layers.iter().map(|layer| layer.reference.digest.as_str()).collect();
    insta::assert_snapshot!(format!("{}\n\n{}", made.report.digest, layers.join("\n")), @"
sha256:11f3ed4ce173dd671af86548fa752460d96f6f480bf5d7c510380fdf11ad1f5e

sha256:2222222222222222222222222222222222222222222222222222222222222222
sha256:b7edbd7047397672b7c4b1f21ac116a5e3c54402d609a36108c411935fe18a22
sha256:4daf8ff56d99bb534d15e35998105f8a98bf21e952573e9680c9b391762b7f63
sha256:070a41c4d0b2ec9fca9d9e06610e4ad1a7c5f89bdabc6a8bf1d764d0eb98d0bc
");
    insta::assert_snapshot!(String::from_utf8(made.package.description.config).unwrap(), @r#"{"architecture":"amd64","config":{"Cmd":["shop","serve"],"Env":["LANG=C.UTF-8","HOME=/tmp","PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin","PYTHONDONTWRITEBYTECODE=1","PYTHONUNBUFFERED=1","VIRTUAL_ENV=/opt/venv"],"ExposedPorts":{"8000/tcp":{}},"Labels":{"dev.nonevent.project":"shop","dev.nonevent.role":"release","org.opencontainers.image.title":"shop","org.opencontainers.image.version":"1.2"},"User":"65532:65532","WorkingDir":"/app"},"created":"1980-01-01T00:00:00Z","history":[{"created":"2026-01-01T00:00:00Z","created_by":"base"},{"created":"1980-01-01T00:00:00Z","created_by":"nonevent"},{"created":"1980-01-01T00:00:00Z","created_by":"nonevent"},{"created":"1980-01-01T00:00:00Z","created_by":"nonevent"}],"os":"linux","rootfs":{"diff_ids":["sha256:1111111111111111111111111111111111111111111111111111111111111111","sha256:9b90efb2cb5ed1538a870cf3907226e3a7de4e5e4612fba64a84006ac77f1653","sha256:c75ab381715c0e2af9e0aad0c38fe2249bb3ec724e7945008697b79abbcf636d","sha256:9a70b34ed954c6f1b3cbce57eb7ab57d58e7bff8b384d3409f7340aae589e116"],"type":"layers"}}"#);
    insta::assert_snapshot!(String::from_utf8(made.package.description.manifest).unwrap(), @r#"{"annotations":{"dev.nonevent.format":"1","org.opencontainers.image.base.digest":"sha256:4444444444444444444444444444444444444444444444444444444444444444","org.opencontainers.image.base.name":"docker.io/library/python:3.13-slim"},"config":{"digest":"sha256:8604cf6425e431deebed90dba5b07de8a8cf5969a2f5bb6e4e43a4408d8b7e3d","mediaType":"application/vnd.oci.image.config.v1+json","size":1066},"layers":[{"digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222","mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1000},{"digest":"sha256:b7edbd7047397672b7c4b1f21ac116a5e3c54402d609a36108c411935fe18a22","mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":12004819},{"digest":"sha256:4daf8ff56d99bb534d15e35998105f8a98bf21e952573e9680c9b391762b7f63","mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1005},{"digest":"sha256:070a41c4d0b2ec9fca9d9e06610e4ad1a7c5f89bdabc6a8bf1d764d0eb98d0bc","mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":1207}],"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}"#);
}

#[tokio::test]
async fn folder_umask_times_and_order_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other folder/ü"));
    write_source(&one);
    write_source(&other);
    // As another umask, another checkout and another user would leave it.
    for entry in walkdir::WalkDir::new(&other).into_iter().map(Result::unwrap).filter(|entry| !entry.file_type().is_symlink()) {
        let mode = entry.metadata().unwrap().permissions().mode();
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode & 0o700)).unwrap();
        if entry.file_type().is_file() {
            let file = fs::File::options().append(true).open(entry.path()).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
        }
    }
    fs::write(other.join("tests/more.py"), "only its gates see it").unwrap();
    let wheels = wheels(folder.path());
    let mut reversed = wheels.clone();
    reversed.reverse();
    reversed.push(wheels[0].clone());
    let first = report(&one, &wheels, &folder.path().join("cache one")).await;
    assert_eq!(report(&other, &reversed, &folder.path().join("cache two")).await, first);
    // A run that finds everything made says the same as one that makes it.
    assert_eq!(report(&other, &wheels, &folder.path().join("cache one")).await, first);
}

#[tokio::test]
async fn whatever_counts_changes_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (root, cache) = (folder.path().join("project"), folder.path().join("cache"));
    write_source(&root);
    let wheels = wheels(folder.path());
    let mut seen = vec![report(&root, &wheels, &cache).await.digest];
    let mut changed = async |what: &str, wheels: &[Wheel]| {
        let digest = report(&root, wheels, &cache).await.digest;
        assert!(!seen.contains(&digest), "{what} changed nothing");
        seen.push(digest);
    };
    fs::write(root.join("src/shop/cli.py"), "def main():\n    print('hullo')\n").unwrap();
    changed("a byte", &wheels).await;
    fs::set_permissions(root.join("bin/run.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    changed("an x bit", &wheels).await;
    fs::rename(root.join("src/shop/cli.py"), root.join("src/shop/main.py")).unwrap();
    changed("a name", &wheels).await;
    changed("a wheel", &wheels[..2]).await;
}

#[tokio::test]
async fn two_wheels_that_write_one_path_differently_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let wheels = [
        Draft::new("one").file("shared/__init__.py", b"1").write(folder.path()),
        Draft::new("two").file("shared/__init__.py", b"2").write(folder.path()),
    ];
    let root = folder.path().join("project");
    write_source(&root);
    let refused = async |wheels: &[Wheel]| match assembled(&root, wheels, &folder.path().join("cache")).await {
        Err(ImageError::Wheel(error)) => error,
        other => panic!("{:?}", other.map(|made| made.report)),
    };
    let error = refused(&wheels).await;
    assert_eq!(
        error.to_string(),
        "`one-1.0-py3-none-any.whl` and `two-1.0-py3-none-any.whl` both install \
         `opt/venv/lib/python3.13/site-packages/shared/__init__.py`, with different content"
    );
    assert!(error.hint().is_some());
    let thief = [Draft::new("thief").file("thief-1.0.data/scripts/python", b"#!/bin/sh\n").write(folder.path())];
    assert_eq!(
        refused(&thief).await.to_string(),
        "`thief-1.0-py3-none-any.whl` is no wheel that can be installed: it installs `opt/venv/bin/python`, which every environment has"
    );
    let across = [
        Draft::new("file").file("thing", b"").write(folder.path()),
        Draft::new("folder").file("thing/x.py", b"").write(folder.path()),
    ];
    assert!(matches!(refused(&across).await, WheelError::Invalid { .. }));
}

#[tokio::test]
async fn local_packages_that_the_project_needs_come_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (root, core) = (folder.path().join("project"), folder.path().join("core"));
    write_source(&root);
    write_source(&core);
    fs::write(core.join(".env"), "TOKEN=made-up").unwrap();
    let companions = [LocalProject {
        name: "Shop_Core".into(),
        version: Some("0.1".into()),
        import_roots: vec![".".into()],
        root: core,
        ..LocalProject::default()
    }];
    let (base, settings, app, project) = (base(), settings(), app(), project(root));
    let cache = folder.path().join("cache");
    let build = WheelBuild {
        base: &base,
        wheels: &[],
        project: &project,
        tree: None,
        companions: &companions,
        settings: &settings,
        app: &app,
        cache: &cache,
        progress: &|_| {},
    };
    let made = assemble(&build, Blobs::Needed, StoreKind::Classic).await.unwrap();
    assert_eq!(made.report.warnings.len(), 1);
    let layer = made.package.layers.last().unwrap().blob.clone().unwrap();
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(fs::File::open(layer).unwrap()));
    let mut files = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        files.insert(entry.path().unwrap().to_string_lossy().into_owned(), text);
    }
    let site = "opt/venv/lib/python3.13/site-packages";
    assert_eq!(files[&format!("{site}/shop_core.pth")], "/opt/src/shop-core\n");
    assert_eq!(files[&format!("{site}/shop_app.pth")], "/app/src\n");
    assert!(files[&format!("{site}/shop_core-0.1.dist-info/direct_url.json")].contains("file:///opt/src/shop-core"));
    assert!(files.contains_key("opt/src/shop-core/src/shop/cli.py"));
    assert!(!files.contains_key("opt/src/shop-core/.env"));
    let twice = [companions[0].clone(), companions[0].clone()];
    let twice = WheelBuild { companions: &twice, ..build };
    let error = assemble(&twice, Blobs::Needed, StoreKind::Classic).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ImageError::Wheel(WheelError::Taken { .. })), "{error}");
}

#[tokio::test]
async fn another_python_than_the_project_s_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = app();
    app.python = "3.12".into();
    let (base, settings, project) = (base(), settings(), project(folder.path().to_owned()));
    let build = WheelBuild {
        base: &base,
        wheels: &[],
        project: &project,
        tree: None,
        companions: &[],
        settings: &settings,
        app: &app,
        cache: folder.path(),
        progress: &|_| {},
    };
    let error = assemble(&build, Blobs::Needed, StoreKind::Classic).await.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the project wants Python 3.12, `python:3.13-slim` runs 3.13.5");
    assert_eq!(error.hint().unwrap(), "set `[build] base = \"python:3.12-slim\"`");
}

#[tokio::test]
async fn a_build_that_failed_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let (root, cache) = (folder.path().join("project"), folder.path().join("cache"));
    write_source(&root);
    let mut wheels = wheels(folder.path());
    wheels[1].sha256 = "0".repeat(64);
    assert!(assembled(&root, &wheels, &cache).await.is_err());
    let left = walkdir::WalkDir::new(&cache).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    for file in left {
        let name = file.file_name().to_string_lossy().into_owned();
        let bytes = fs::read(file.path()).unwrap();
        assert_eq!(crate::image::digest::sha256(&bytes).hex(), name, "{}", file.path().display());
    }
}
