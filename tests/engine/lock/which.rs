//! Which lock belongs to a project.

use nonevent_engine::model::LockKind;
use nonevent_engine::project::lock::{LockError, find, missing};

use super::found;
use super::world::World;

const UV: &str = "version = 1\nrequires-python = \">=3.11\"\n";
const POETRY: &str = "[metadata]\nlock-version = \"2.1\"\npython-versions = \"*\"\ncontent-hash = \"x\"\n";
const PYLOCK: &str = "lock-version = \"1.0\"\ncreated-by = \"hand\"\n";
const PLAIN: &str = "[project]\nname = \"app\"\nversion = \"1\"\n";

#[test]
fn several_locks_are_told_apart_and_named() {
    let check = |manifest: &str, files: &[(&str, &str)], kind, notes: &[&str]| {
        let world = World::new(&[("pyproject.toml", manifest)]);
        files.iter().for_each(|(name, text)| world.write(name, text));
        let lock = world.lock();
        assert_eq!((lock.kind(), lock.notes().iter().map(String::as_str).collect::<Vec<_>>()), (kind, notes.to_vec()));
        assert_eq!(lock.project(), world.root());
    };
    let all = [("uv.lock", UV), ("poetry.lock", POETRY), ("pylock.toml", PYLOCK), ("requirements.txt", "")];
    let uv = "uv.lock is the lock; poetry.lock and pylock.toml and requirements.txt beside it is not read";
    let poetry = "poetry.lock is the lock; uv.lock and pylock.toml and requirements.txt beside it is not read";
    check(PLAIN, &all, LockKind::Uv, &[uv]);
    check(&format!("{PLAIN}[tool.poetry]\n"), &all, LockKind::Poetry, &[poetry]);
    check(&format!("{PLAIN}[tool.poetry]\n[tool.uv]\n"), &all, LockKind::Uv, &[uv]);
    check(&format!("{PLAIN}[build-system]\nbuild-backend = \"poetry.core.masonry.api\"\n"), &all, LockKind::Poetry, &[poetry]);
    check(PLAIN, &all[2..], LockKind::Pylock, &["pylock.toml is the lock; requirements.txt beside it is not read"]);
    check(PLAIN, &all[3..], LockKind::Requirements, &[]);
}

#[test]
fn a_member_has_the_lock_of_its_workspace() {
    let root = "[tool.uv.workspace]\nmembers = [\"packages/*\", \"tools/**\"]\nexclude = [\"packages/old*\"]\n";
    let world = World::new(&[("pyproject.toml", root), ("uv.lock", UV)]);
    let check = |folder: &str, expected: Option<&str>| {
        world.write(&format!("{folder}/pyproject.toml"), PLAIN);
        let lock = find(&world.root().join(folder)).unwrap();
        assert_eq!(lock.map(|lock| lock.path().to_path_buf()), expected.map(|path| world.root().join(path)), "{folder}");
    };
    check("packages/new", Some("uv.lock"));
    check("packages/old-one", None);
    check("packages/new/inner", None);
    check("tools/a/b", Some("uv.lock"));
    check("elsewhere", None);
    let report = world.lock_of("packages/new").check();
    assert_eq!(report.file.to_str(), Some("../../uv.lock"));
    // A project that says it is not uv's is not the workspace's.
    world.write("packages/own/pyproject.toml", &format!("{PLAIN}[tool.uv]\nmanaged = false\n"));
    assert!(find(&world.root().join("packages/own")).unwrap().is_none());
}

#[test]
fn a_missing_lock_comes_with_the_command_that_makes_it() {
    let check = |files: &[(&str, &str)], hint: &str| {
        let world = World::new(files);
        assert!(find(&world.root()).unwrap().is_none());
        let finding = missing(&world.root());
        assert_eq!((finding.message.as_str(), finding.hint.as_str()), ("the project has no lock", hint));
    };
    check(&[("pyproject.toml", PLAIN)], "run `uv lock`");
    check(&[("pyproject.toml", "[tool.poetry]\nname = \"app\"\n")], "run `poetry lock`");
    check(&[("requirements.in", "flask\n")], "run `uv pip compile requirements.in --generate-hashes -o requirements.txt`");
    check(&[("setup.py", "")], "write the dependencies into pyproject.toml, then run `uv lock`");
}

#[test]
fn broken_files_are_told_with_their_line() {
    let world = World::new(&[("pyproject.toml", "[project]\nname = \"app\nversion = \"1\"\n"), ("uv.lock", UV)]);
    let error = find(&world.root()).unwrap_err();
    let path = world.root().join("pyproject.toml");
    assert!(error.to_string().starts_with(&format!("{} cannot be understood: line 2: ", path.display())), "{error}");
    assert!(matches!(error, LockError::Manifest { .. }));

    let check = |name: &str, text: &str, expected: &str| {
        let world = World::new(&[("pyproject.toml", PLAIN), (name, text)]);
        assert_eq!(found(&world.lock()), [expected]);
    };
    check(
        "uv.lock",
        "version = 2\n",
        "Unreadable: uv.lock cannot be used: it has version 2 of the format, only 1 is known / \
         update Nonevent, or lock with a uv that writes version 1",
    );
    check(
        "uv.lock",
        "version = 1\n[[package]]\n",
        "Unreadable: uv.lock cannot be used: line 2: missing field `name` / run `uv lock`",
    );
    check(
        "poetry.lock",
        "[metadata]\nlock-version = \"2.0\"\npython-versions = \"*\"\ncontent-hash = \"x\"\n",
        "Unreadable: poetry.lock cannot be used: it has version 2.0 of the format, which holds no groups; 2.1 is needed / \
         run `poetry self update` for Poetry 2, then `poetry lock`",
    );
    check(
        "pylock.toml",
        "lock-version = \"2.0\"\n",
        "Unreadable: pylock.toml cannot be used: it has version 2.0 of the format, only 1 is known / \
         update Nonevent, or lock with version 1",
    );
    let world =
        World::new(&[("pyproject.toml", PLAIN), ("uv.lock", "version = 1\nrevision = 99\nrequires-python = \">=3.11\"\n")]);
    assert_eq!(world.lock().notes(), ["uv.lock has revision 99, newer than 5: what it adds is not read"]);
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    let world = World::new(&[("pyproject.toml", PLAIN), ("uv.lock", UV)]);
    let before = world.lock().digest().clone();
    assert_eq!(before, world.lock().digest().clone());
    world.write("uv.lock", &format!("{UV}# more\n"));
    assert_ne!(before, world.lock().digest().clone());
    // A file that is included counts as well.
    let world = World::new(&[("requirements.txt", "-r more.txt\n"), ("more.txt", "a==1\n")]);
    let before = world.lock().digest().clone();
    world.write("more.txt", "a==2\n");
    assert_ne!(before, world.lock().digest().clone());
}
