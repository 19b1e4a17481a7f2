//! Requirements files: what is read, and what is refused, each by its line.

use nonevent_engine::project::lock::{Choice, LockError, MainDependencies, Wanted};

use super::world::{World, python};
use super::{found, sha};

#[test]
fn lines_that_a_lock_must_not_hold_are_named() {
    let hash = sha(1);
    let check = |line: &str, expected: &str| {
        let world = World::new(&[("requirements.in", ""), ("requirements.txt", &format!("# a list\n{line}\n"))]);
        assert_eq!(found(&world.lock()), [expected], "{line}");
    };
    let compile = "run `uv pip compile requirements.in --generate-hashes -o requirements.txt`";
    let at = "requirements.txt:2:";
    check("flask", &format!("Unpinned: {at} `flask` is not pinned to one version / {compile}"));
    check("flask>=3  # why", &format!("Unpinned: {at} `flask>=3` is not pinned to one version / {compile}"));
    check("flask==3.*", &format!("Unpinned: {at} `flask==3.*` is not pinned to one version / {compile}"));
    check("flask==3.0,<4", &format!("Unpinned: {at} `flask==3.0,<4` is not pinned to one version / {compile}"));
    check("flask==3.0", &format!("Unhashed: {at} `flask==3.0` has no sha256 / {compile}"));
    check("flask==3.0 --hash=md5:00", &format!("Unhashed: {at} `flask==3.0` has no sha256 / {compile}"));
    check(
        "x @ https://files.example/x-1-py3-none-any.whl",
        &format!("Unsafe: {at} `x @ https://files.example/x-1-py3-none-any.whl` has no sha256 / {compile}"),
    );
    let released = "depend on a released version, or on the URL of a wheel with its sha256";
    check(
        "git+https://git.example/x",
        &format!("Unsafe: {at} `git+https://git.example/x` installs what no hash vouches for / {released}"),
    );
    check(
        "x @ git+https://git.example/x@v1",
        &format!("Unsafe: {at} `x @ git+https://git.example/x@v1` installs what no hash vouches for / {released}"),
    );
    check("./lib", &format!("Unsafe: {at} `./lib` installs what no hash vouches for / {released}"));
    check(
        "-e .",
        &format!("Unsafe: {at} `-e .` installs a folder, which no hash vouches for / depend on a released version instead"),
    );
    check(
        "--editable=./lib",
        &format!("Unsafe: {at} `-e ./lib` installs a folder, which no hash vouches for / depend on a released version instead"),
    );
    check(
        "--extra-index-url https://more.example/",
        &format!(
            "Unsafe: {at} `--extra-index-url https://more.example/` lets whoever publishes a name elsewhere take its place / \
             name one index that serves all packages, in the configuration of uv or pip"
        ),
    );
    check(
        "-f wheels",
        &format!(
            "Unsafe: {at} `--find-links wheels` lets files in from another place / name the place as an index in the configuration of uv or pip"
        ),
    );
    check(
        "--trusted-host=index.example",
        &format!(
            "Unsafe: {at} `--trusted-host index.example` turns certificates off / add the host's certificate authority to the system instead"
        ),
    );
    check("!!", &format!("Unsafe: {at} `!!` is not understood / write it as a requirement (PEP 508)"));
    let fine = format!(
        "--index-url https://index.example/simple\n--require-hashes\n--only-binary=:all:\n-c limits.txt\n\
         flask==3.0 ; python_version < '4' \\\n    --hash=sha256:{hash} \\\n    --hash=sha256:{hash}\n    # via -r requirements.in\n\
         x @ https://files.example/x-1-py3-none-any.whl#sha256={hash}\n"
    );
    let world = World::new(&[("requirements.in", "flask\n"), ("requirements.txt", &fine)]);
    assert_eq!(found(&world.lock()), [""; 0]);
    let selection = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap();
    let index = selection.packages[0].index.as_ref().unwrap();
    assert_eq!(
        (index.as_str(), &selection.packages[0].choice),
        ("https://index.example/simple", &Choice::Hashes(vec![hash.clone(), hash.clone()]))
    );
    assert!(
        matches!(&selection.packages[1].choice, Choice::Wheel(file) if file.sha256 == hash && file.url.as_ref().unwrap().fragment().is_none())
    );
}

#[test]
fn the_hint_fits_what_the_project_has() {
    let check = |files: &[(&str, &str)], hint: &str| {
        let world = World::new(files);
        assert!(found(&world.lock())[0].ends_with(&format!(" / {hint}")), "{:?}", found(&world.lock()));
    };
    let loose = ("requirements.txt", "flask\n");
    check(
        &[loose],
        "rename requirements.txt to requirements.in, then run `uv pip compile requirements.in --generate-hashes -o requirements.txt`",
    );
    let manifest = ("pyproject.toml", "[project]\nname = \"app\"\nversion = \"1\"\n");
    check(&[loose, manifest], "run `uv pip compile pyproject.toml --generate-hashes -o requirements.txt`");
    check(
        &[loose, manifest, ("requirements.in", "")],
        "run `uv pip compile requirements.in --generate-hashes -o requirements.txt`",
    );
}

#[test]
fn included_files_count_and_may_include_each_other() {
    let hash = sha(1);
    let pin = |name: &str| format!("{name}==1 --hash=sha256:{hash}\n");
    let world = World::new(&[
        ("requirements.txt", &format!("-r more/base.txt\n{}", pin("app"))),
        ("more/base.txt", &format!("-r ../requirements.txt\n-r deep.txt\n{}", pin("base"))),
        ("more/deep.txt", &pin("deep")),
        ("requirements-dev.txt", &format!("-r requirements.txt\n{}", pin("tool"))),
        ("test-requirements.txt", "pytest\n"),
    ]);
    let lock = world.lock();
    assert_eq!(lock.groups().unwrap(), ["dev", "test"]);
    assert_eq!(lock.check().packages, 3);
    assert_eq!(
        found(&lock),
        ["Unpinned: test-requirements.txt:1: `pytest` is not pinned to one version / \
          rename test-requirements.txt to test-requirements.in, then run `uv pip compile test-requirements.in --generate-hashes -o test-requirements.txt`"]
    );
    let select = |groups: &[&str], project| {
        let wanted = Wanted { groups: groups.iter().map(|group| (*group).to_owned()).collect(), project, ..Wanted::default() };
        lock.select(&python("3.13.5"), &wanted)
            .map(|selection| selection.packages.into_iter().map(|p| p.name).collect::<Vec<_>>())
    };
    assert_eq!(select(&[], MainDependencies::Include).unwrap(), ["app", "base", "deep"]);
    assert_eq!(select(&["dev"], MainDependencies::Include).unwrap(), ["app", "base", "deep", "tool"]);
    assert_eq!(select(&["dev"], MainDependencies::Exclude).unwrap(), ["tool"]);
    assert_eq!(select(&["test"], MainDependencies::Exclude), Err(LockError::Unpinned { requirement: "pytest".into() }));

    world.write("requirements.txt", "-r gone.txt\n");
    let error = nonevent_engine::project::lock::find(&world.root()).unwrap_err();
    assert_eq!(error.to_string(), format!("{} cannot be read: there is no such file", world.root().join("gone.txt").display()));
}

#[test]
fn direct_requirements_must_be_met() {
    let hash = sha(1);
    let check = |source: &str, expected: &[&str]| {
        let text = format!("flask==3.0 --hash=sha256:{hash}\nidna==3.7 ; sys_platform == 'linux' --hash=sha256:{hash}\n");
        let world = World::new(&[("requirements.in", source), ("requirements.txt", &text)]);
        let said: Vec<String> = world.lock().check().findings.into_iter().map(|finding| finding.message).collect();
        assert_eq!(said, expected, "{source}");
        assert!(!world.lock().check().proven);
    };
    check("flask\nidna>=3\n", &[]);
    check("flask>=3,<4\nwaitress; sys_platform == 'win32'\nold; python_version < '3'\n", &[]);
    check("flask>3\n", &["requirements.txt is stale: requirements.in requires \"flask>3\", the lock holds 3.0"]);
    check("gunicorn\n", &["requirements.txt is stale: requirements.in requires \"gunicorn\", the lock was made without it"]);
    check(
        "gunicorn; sys_platform == 'linux'\n",
        &[
            "requirements.txt is stale: requirements.in requires \"gunicorn; sys_platform == 'linux'\", the lock was made without it",
        ],
    );
}
