#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn settings() -> BuildSettings {
    BuildSettings {
        dockerfile: None,
        stage: None,
        args: Default::default(),
        secrets: Default::default(),
        base: "python:3.13-slim".into(),
        include: Vec::new(),
        exclude: Vec::new(),
        ca_bundle: None,
        extras: Vec::new(),
        groups: Vec::new(),
    }
}

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn paths(tree: &SourceTree) -> Vec<&str> {
    tree.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn a_release_holds_the_app_and_its_gates_the_rest() {
    let folder = project(&[
        ("pyproject.toml", "[project]\nname='shop'\n"),
        ("src/shop/__init__.py", ""),
        ("src/shop/__pycache__/x.cpython-313.pyc", ""),
        ("src/shop/tests/test_inner.py", ""),
        ("src/shop/templates/docs/index.html", ""),
        ("tests/test_shop.py", ""),
        ("tests/fixtures/server.key", "made up"),
        ("docs/index.md", ""),
        ("README.md", ""),
        ("LICENSE", ""),
        ("uv.lock", ""),
        ("requirements-dev.txt", ""),
        ("Dockerfile.dev", ""),
        ("compose.override.yaml", ""),
        (".github/workflows/ci.yml", ""),
        (".gitignore", "*.sqlite3\n/build/\n"),
        ("shop.sqlite3", ""),
        ("build/lib/x.py", ""),
        (".git/config", ""),
        (".venv/pyvenv.cfg", ""),
        ("other-env/pyvenv.cfg", ""),
        ("other-env/lib/x.py", ""),
        ("node_modules/x/index.js", ""),
        (".env", "TOKEN=made-up"),
        ("deploy/server.pem", "made up"),
        ("tests/.env", "TOKEN=made-up"),
    ]);
    let release = read(folder.path(), &settings(), Part::Release).unwrap();
    assert_eq!(
        paths(&release),
        [
            "LICENSE",
            "pyproject.toml",
            "src/shop/__init__.py",
            "src/shop/templates/docs/index.html",
            "src/shop/tests/test_inner.py",
        ]
    );
    insta::assert_snapshot!(release.warnings.join("\n"), @"`.env` and `deploy/server.pem` would be in the image and were left out, for fear of secrets; name them in `[build] include` to keep them");
    let development = read(folder.path(), &settings(), Part::Development).unwrap();
    assert_eq!(
        paths(&development),
        [
            ".github/workflows/ci.yml",
            ".gitignore",
            "Dockerfile.dev",
            "README.md",
            "compose.override.yaml",
            "docs/index.md",
            "requirements-dev.txt",
            "tests/fixtures/server.key",
            "tests/test_shop.py",
            "uv.lock",
        ]
    );
    assert!(development.warnings.is_empty());
}

#[test]
fn settings_bring_back_and_leave_out() {
    let folder = project(&[
        (".gitignore", "static/dist\n"),
        (".dockerignore", "*.md\n!NOTES.md\nmedia\n"),
        ("static/dist/app.js", ""),
        ("static/dist/deep/b.js", ""),
        ("static/dist/pyvenv.cfg/x", ""),
        ("static/src/app.ts", ""),
        ("media/picture.png", ""),
        ("ABOUT.md", ""),
        ("NOTES.md", ""),
        (".env.production", "X=made-up"),
        ("scratch/a.py", ""),
        (".venv/pyvenv.cfg", ""),
        (".venv/ca.pem", ""),
        ("ca.pem", ""),
        ("docs/guide.html", ""),
    ]);
    let mut settings = settings();
    settings.include = vec!["static/dist/*.js".into(), ".env.production".into(), "*.pem".into(), "docs/guide.html".into()];
    settings.exclude = vec!["scratch/".into()];
    let release = read(folder.path(), &settings, Part::Release).unwrap();
    assert_eq!(
        paths(&release),
        [".env.production", "NOTES.md", "ca.pem", "docs/guide.html", "static/dist/app.js", "static/src/app.ts"]
    );
    assert!(release.warnings.is_empty(), "{:?}", release.warnings);
    settings.include = vec!["static/[z-a]".into()];
    let error = read(folder.path(), &settings, Part::Release).unwrap_err();
    assert!(error.to_string().starts_with("`static/[z-a]` in `[build] include` is no pattern: "), "{error}");
}

#[test]
fn ignore_files_of_the_repository_count_those_outside_do_not() {
    let outside = project(&[
        (".gitignore", "kept.py\n"),
        ("repository/.git/HEAD", ""),
        ("repository/.gitignore", "*.log\n/apps/shop/local.py\n"),
        ("repository/apps/shop/a.log", ""),
        ("repository/apps/shop/local.py", ""),
        ("repository/apps/shop/kept.py", ""),
        ("loose/kept.py", ""),
    ]);
    let read = |path: &str| read(&outside.path().join(path), &settings(), Part::Release).unwrap();
    assert_eq!(paths(&read("repository/apps/shop")), ["kept.py"]);
    assert_eq!(paths(&read("loose")), ["kept.py"]);
}

#[test]
fn links_and_names_that_no_image_can_hold_are_told() {
    let folder = project(&[("app/main.py", ""), ("app/data/x.txt", "")]);
    let root = folder.path();
    symlink("data/x.txt", root.join("app/inside")).unwrap();
    symlink("../app/main.py", root.join("app/round")).unwrap();
    symlink("nowhere", root.join("app/dangling")).unwrap();
    symlink("../../outside", root.join("app/leaves")).unwrap();
    symlink("/etc/hostname", root.join("absolute")).unwrap();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt")), "").unwrap();
    nix::unistd::mkfifo(&root.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let tree = read(root, &settings(), Part::Release).unwrap();
    assert_eq!(paths(&tree), ["app/dangling", "app/data/x.txt", "app/inside", "app/main.py", "app/round"]);
    assert_eq!(tree.files[2].kind, SourceKind::Link { target: "data/x.txt".into() });
    insta::assert_snapshot!(tree.warnings.join("\n"), @"
`absolute` was left out: it links to `/etc/hostname`, outside of the project; copy what the app needs into the project
`app/leaves` was left out: it links to `../../outside`, outside of the project; copy what the app needs into the project
`caf�.txt` was left out: its name is not UTF-8; rename it to keep it
`pipe` was left out: it is neither a file nor a link
");
}

#[test]
fn bytes_and_the_owner_s_x_bit_are_all_that_counts() {
    let one = project(&[("run.sh", "x"), ("a.py", "y")]);
    let other = project(&[("a.py", "y"), ("run.sh", "x")]);
    let set = |folder: &tempfile::TempDir, path: &str, mode| {
        fs::set_permissions(folder.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&one, "run.sh", 0o755);
    set(&other, "run.sh", 0o700);
    set(&one, "a.py", 0o644);
    set(&other, "a.py", 0o600);
    let fingerprint = |folder: &tempfile::TempDir| read(folder.path(), &settings(), Part::Release).unwrap().fingerprint();
    assert_eq!(fingerprint(&one), fingerprint(&other));
    set(&other, "a.py", 0o700);
    assert_ne!(fingerprint(&one), fingerprint(&other));
}

#[test]
fn a_replica_more_changes_nothing() {
    let text = |replicas| format!("[project]\nname = \"shop\"\n\n[tool.nonevent.environments.local]\nreplicas = {replicas}\n");
    let own = |replicas| format!("[environments.local]\nreplicas = {replicas}\n");
    let with = |replicas| {
        project(&[("pyproject.toml", &text(replicas)), ("nonevent.toml", &own(replicas)), ("nonevent.lock", &own(replicas))])
    };
    let (one, three) = (with(1), with(3));
    for part in [Part::Release, Part::Development] {
        let fingerprint = |folder: &tempfile::TempDir| read(folder.path(), &settings(), part).unwrap().fingerprint();
        assert_eq!(fingerprint(&one), fingerprint(&three), "{part:?}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let error = read(Path::new("/nowhere/at/all"), &settings(), Part::Release).unwrap_err();
    assert_eq!(error.to_string(), "there is no folder /nowhere/at/all");
}
