//! Our reading of `uv.lock` held against uv itself: what it would install, and whether it finds the lock up to date.

use std::collections::BTreeSet;

use nonevent_engine::project::lock::{Choice, MainDependencies, Selection, Wanted};

use super::world::{World, evaluated_by_uv, python, run, run_ok};

const PYTHONS: [&str; 2] = ["3.11.9", "3.13.5"];

fn plain() -> World {
    World::new(&[(
        "pyproject.toml",
        r#"[project]
name = "Plain_App"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [
    "anyio>=4",
    "click < 9,>=8; sys_platform != 'win32' and python_version >= '3.8'",
    "colorama; python_version < '3.13'",
    "docopt",
    "idna==3.6; python_version < '3.12'",
    "idna==3.10; python_version >= '3.12'",
]

[project.optional-dependencies]
Speed = ["httptools", "plain-app[more]"]
more = ["h11; sys_platform == 'linux'", "tomli; sys_platform == 'win32'"]

[dependency-groups]
dev = ["iniconfig", {include-group = "lint"}]
lint = ["pathspec>=0.12"]
empty = []
"#,
    )])
}

fn workspace() -> World {
    let project = |name: &str, rest: &str| format!("[project]\nname = \"{name}\"\nversion = \"1\"\n{rest}");
    let system = "\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n";
    let root = r#"requires-python = ">=3.11"
dependencies = ["lib[fast]", "vendored", "plain"]
[dependency-groups]
dev = ["tool", "iniconfig"]
[tool.uv]
constraint-dependencies = ["idna<4"]
override-dependencies = ["colorama>=0.4"]
required-environments = ["sys_platform == 'linux'"]
exclude-newer = "2026-06-01T00:00:00Z"
[tool.uv.sources]
lib = { workspace = true }
tool = { workspace = true }
plain = { workspace = true }
vendored = { path = "vend/vendored" }
[tool.uv.workspace]
members = ["packages/*"]
exclude = ["packages/other"]
"#;
    let lib = "requires-python = \">=3.10\"\ndependencies = [\"h11\"]\n[project.optional-dependencies]\nfast = [\"anyio\"]\n";
    World::new(&[
        ("pyproject.toml", &(project("root", root) + system)),
        ("packages/lib/pyproject.toml", &(project("lib", lib) + system)),
        ("packages/tool/pyproject.toml", &project("tool", "dependencies = [\"lib\", \"click\"]\n")),
        ("packages/plain/pyproject.toml", &project("plain", "dependencies = [\"colorama\"]\n[tool.uv]\npackage = false\n")),
        ("packages/other/pyproject.toml", &project("other", "dependencies = [\"pathspec\"]\n")),
        ("vend/vendored/pyproject.toml", &project("vendored", "dependencies = [\"packaging\"]\n")),
    ])
}

fn conflicts() -> World {
    World::new(&[(
        "pyproject.toml",
        r#"[project]
name = "conflicts"
version = "1"
requires-python = ">=3.11"
dependencies = ["anyio"]
[project.optional-dependencies]
a = ["idna==3.6"]
b = ["idna==3.7", "click"]
[dependency-groups]
dev = ["h11==0.14.0"]
old = ["h11==0.13.0"]
[tool.uv]
package = false
conflicts = [[{ extra = "a" }, { extra = "b" }], [{ group = "dev" }, { group = "old" }]]
environments = ["sys_platform == 'linux'", "sys_platform == 'darwin'"]
"#,
    )])
}

/// A workspace whose root is no project, with groups of its own.
fn virtual_root() -> World {
    World::new(&[
        (
            "pyproject.toml",
            r#"[dependency-groups]
dev = ["click", "colorama; sys_platform == 'win32'", "app"]
[tool.uv.sources]
app = { workspace = true }
[tool.uv.workspace]
members = ["app"]
"#,
        ),
        (
            "app/pyproject.toml",
            "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.11,<4\"\ndependencies = [\"h11\"]\n",
        ),
    ])
}

fn wanted(extras: &[&str], groups: &[&str], project: MainDependencies) -> Wanted {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Wanted { extras: texts(extras), groups: texts(groups), project }
}

fn names(selection: &Selection) -> BTreeSet<String> {
    selection.packages.iter().map(|package| format!("{}=={}", package.name, package.version)).collect()
}

/// Compares what we choose with what uv exports for the same wish.
fn agrees(world: &World, folder: &str, wanted: &Wanted) {
    let mut words: Vec<&str> = vec!["export", "--frozen", "--no-emit-project", "--no-hashes", "--no-header", "--no-annotate"];
    words.extend(["--no-default-groups", "--quiet"]);
    let only = wanted.project == MainDependencies::Exclude;
    wanted.extras.iter().for_each(|extra| words.extend(["--extra", extra]));
    wanted.groups.iter().for_each(|group| words.extend([if only { "--only-group" } else { "--group" }, group]));
    let exported = run_ok(&world.root().join(folder), "uv", &words);
    let folders: BTreeSet<String> = exported
        .lines()
        .filter_map(|line| {
            line.trim_start_matches("-e ").strip_prefix("./").or(line.trim_start_matches("-e ").strip_prefix("../"))
        })
        .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned())
        .collect();
    let lock = world.lock_of(folder);
    for version in PYTHONS {
        let expected = evaluated_by_uv(&world.root(), &exported, version);
        let selection = lock.select(&python(version), wanted).unwrap();
        assert_eq!(names(&selection), expected, "{wanted:?} on {version}, exported:\n{exported}");
        let local: BTreeSet<String> =
            selection.local.iter().map(|local| local.path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(local, folders, "{wanted:?} on {version}, exported:\n{exported}");
        for package in &selection.packages {
            match &package.choice {
                Choice::Wheel(file) => assert!(file.url.is_some(), "{package:?}"),
                Choice::Sdist { file, .. } => assert_eq!((package.name.as_str(), file.url.is_some()), ("docopt", true)),
                Choice::Hashes(_) => panic!("uv.lock names files: {package:?}"),
            }
        }
    }
}

#[test]
fn a_plain_project_is_chosen_as_uv_chooses_it() {
    use MainDependencies::{Exclude, Include};
    let world = plain();
    run_ok(&world.root(), "uv", &["lock"]);
    agrees(&world, ".", &wanted(&[], &[], Include));
    agrees(&world, ".", &wanted(&["speed"], &[], Include));
    agrees(&world, ".", &wanted(&["more"], &["dev"], Include));
    agrees(&world, ".", &wanted(&[], &["dev"], Exclude));
    agrees(&world, ".", &wanted(&[], &["lint", "empty"], Exclude));
    let lock = world.lock();
    assert_eq!(lock.extras(), ["more", "speed"]);
    assert_eq!(lock.groups().unwrap(), ["dev", "empty", "lint"]);
    assert_eq!(lock.default_groups().unwrap(), ["dev"]);
}

#[test]
fn members_of_a_workspace_are_chosen_as_uv_chooses_them() {
    use MainDependencies::{Exclude, Include};
    let world = workspace();
    run_ok(&world.root(), "uv", &["lock"]);
    agrees(&world, ".", &wanted(&[], &[], Include));
    agrees(&world, ".", &wanted(&[], &["dev"], Include));
    agrees(&world, ".", &wanted(&[], &["dev"], Exclude));
    agrees(&world, "packages/lib", &wanted(&["fast"], &[], Include));
    agrees(&world, "packages/tool", &wanted(&[], &[], Include));
    let world = virtual_root();
    run_ok(&world.root(), "uv", &["lock"]);
    agrees(&world, "app", &wanted(&[], &[], Include));
    agrees(&world, ".", &wanted(&[], &["dev"], Exclude));
}

#[test]
fn conflicting_extras_are_chosen_as_uv_chooses_them() {
    use MainDependencies::Include;
    let world = conflicts();
    run_ok(&world.root(), "uv", &["lock"]);
    for (extras, groups) in
        [(&[][..], &[][..]), (&["a"], &[]), (&["b"], &[]), (&["a"], &["dev"]), (&["b"], &["old"]), (&[], &["old"])]
    {
        agrees(&world, ".", &wanted(extras, groups, Include));
    }
}

/// A change of a file: its name, what is replaced, and by what.
type Change<'c> = (&'c str, &'c str, &'c str);

/// Makes each change alone and compares our verdict with `uv lock --check`.
fn judges_as_uv(world: &World, changes: &[Change<'_>]) {
    run_ok(&world.root(), "uv", &["lock"]);
    let mut disagreements = Vec::new();
    let mut stale = 0;
    for (name, from, to) in [("pyproject.toml", "", "# a comment\n\n")].iter().chain(changes) {
        let before = world.read(name);
        world.replace(name, from, to);
        let output = run(&world.root(), "uv", &["lock", "--check", "--offline"]);
        let fresh = output.status.success();
        let report = world.lock().check();
        if report.findings.is_empty() != fresh {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            disagreements.push(format!("{name}: {from:?} → {to:?}: uv says fresh: {fresh} ({said}), we: {report:#?}"));
        }
        stale += usize::from(!fresh);
        world.write(name, &before);
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert!(stale > 0, "no change made the lock stale");
}

#[test]
fn a_plain_project_is_judged_as_uv_judges_it() {
    let p = "pyproject.toml";
    judges_as_uv(
        &plain(),
        &[
            (p, "\"docopt\",", "\"docopt\", \"attrs\","),
            (p, "    \"docopt\",\n", ""),
            (p, "\"docopt\",", "\"docopt>=0.6\","),
            (p, "\"docopt\",", "\"DocOpt\","),
            (p, "\"docopt\",", "\"docopt \" , \"docopt\","),
            (p, "\"anyio>=4\"", "\"anyio>=4.0\""),
            (p, "\"anyio>=4\"", "\"anyio>=4.1\""),
            (p, "\"anyio>=4\"", "\"anyio[trio]>=4\""),
            (p, "< 9,>=8", ">=8,<9"),
            (p, "< 9,>=8", ">=8,<9.0.0"),
            (p, "and python_version >= '3.8'", ""),
            (p, "and python_version >= '3.8'", "and python_version >= '3.12'"),
            (p, "sys_platform != 'win32' and", "not_a_marker == 'x' and"),
            (p, "colorama; python_version < '3.13'", "colorama; python_full_version < '3.13.0'"),
            (p, "colorama; python_version < '3.13'", "colorama; python_version <= '3.12'"),
            (p, "colorama; python_version < '3.13'", "colorama; '3.13' > python_version"),
            (p, "requires-python = \">=3.11\"", "requires-python = \">=3.12\""),
            (p, "requires-python = \">=3.11\"", "requires-python = \">=3.11,<4\""),
            (p, "requires-python = \">=3.11\"", "requires-python = \">=3.11, !=3.12.1\""),
            (p, "requires-python = \">=3.11\"", "requires-python = \">=3.11.0\""),
            (p, "version = \"0.1.0\"", "version = \"0.2.0\""),
            (p, "version = \"0.1.0\"", "version = \"0.1\""),
            (p, "version = \"0.1.0\"", "dynamic = [\"version\"]"),
            (p, "name = \"Plain_App\"", "name = \"plain-app\""),
            (p, "name = \"Plain_App\"", "name = \"other-app\""),
            (p, "Speed = ", "speed = "),
            (p, "Speed = ", "fast = "),
            (p, "more = [", "none = []\nmore = ["),
            (p, "\"httptools\", \"plain-app[more]\"", "\"plain-app[more]\", \"httptools\""),
            (p, "\"httptools\", \"plain-app[more]\"", "\"httptools\""),
            (p, "sys_platform == 'linux'\"", "sys_platform == 'linux' or sys_platform == 'darwin'\""),
            (p, "\"iniconfig\", {", "\"iniconfig>1\", {"),
            (p, "{include-group = \"lint\"}", "\"pathspec>=0.12\""),
            (p, "{include-group = \"lint\"}", "{include-group = \"empty\"}"),
            (p, "empty = []\n", ""),
            (p, "empty = []\n", "empty = []\nnew = []\n"),
            (p, "empty = []\n", "empty = [\"colorama\"]\n"),
            (p, "[dependency-groups]", "[tool.uv]\ndev-dependencies = [\"colorama\"]\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\npackage = true\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\npackage = false\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\nconstraint-dependencies = [\"idna<4\"]\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\nprerelease = \"allow\"\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\nresolution = \"highest\"\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\nresolution = \"lowest\"\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\nexclude-newer = \"2026-06-01T00:00:00Z\"\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv]\nconflicts = [[{extra = \"speed\"}, {group = \"dev\"}]]\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv.dependency-groups]\nlint = {requires-python = \">=3.12\"}\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv.sources]\nclick = {path = \"nowhere\"}\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv.sources]\nclick = {git = \"https://git.example/click\"}\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.uv.sources]\nunused = {git = \"https://git.example/click\"}\n[dependency-groups]"),
            (p, "[dependency-groups]", "[tool.other]\nx = 1\n[dependency-groups]"),
        ],
    );
}

#[test]
fn a_workspace_is_judged_as_uv_judges_it() {
    let (p, lib, tool, vendored) =
        ("pyproject.toml", "packages/lib/pyproject.toml", "packages/tool/pyproject.toml", "vend/vendored/pyproject.toml");
    judges_as_uv(
        &workspace(),
        &[
            (p, "\"vendored\", ", ""),
            (p, "lib[fast]", "lib"),
            (p, "exclude = [\"packages/other\"]", ""),
            (p, "members = [\"packages/*\"]", "members = [\"packages/lib\", \"packages/tool\", \"./packages/plain\"]"),
            (p, "members = [\"packages/*\"]", "members = [\"packages/**\"]"),
            (p, "tool = { workspace = true }", "tool = { workspace = true, editable = false }"),
            (p, "tool = { workspace = true }", "tool = { path = \"packages/tool\", editable = true }"),
            (p, "path = \"vend/vendored\"", "path = \"./vend/../vend/vendored\""),
            (p, "path = \"vend/vendored\"", "path = \"vend/vendored\", editable = true"),
            (p, "path = \"vend/vendored\"", "path = \"vend/vendored\", package = false"),
            (p, "vendored = { path", "vendored = { marker = \"sys_platform == 'linux'\", path"),
            (p, "idna<4", "idna<5"),
            (p, "idna<4", "idna<4.0"),
            (p, "colorama>=0.4", "colorama>=0.3"),
            (p, "[\"sys_platform == 'linux'\"]", "[\"'linux' == sys_platform\"]"),
            (p, "[\"sys_platform == 'linux'\"]", "[\"sys_platform == 'darwin'\"]"),
            (p, "2026-06-01T00:00:00Z", "2026-06-01T02:00:00+02:00"),
            (p, "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"),
            (p, "2026-06-01T00:00:00Z", "2026-05-31T00:00:00Z"),
            (p, "2026-06-01T00:00:00Z", "2 weeks"),
            (p, "2026-06-01T00:00:00Z", "2026-06-01"),
            (p, "requires-python = \">=3.11\"", "requires-python = \">=3.10\""),
            (p, "requires-python = \">=3.11\"\n", ""),
            (lib, "requires-python = \">=3.10\"", "requires-python = \">=3.11\""),
            (lib, "requires-python = \">=3.10\"", "requires-python = \">=3.12\""),
            (lib, "\"h11\"", "\"h11>=0.1\""),
            (lib, "version = \"1\"", "version = \"2\""),
            (lib, "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"", ""),
            (lib, "[build-system]", "[tool.uv]\npackage = false\n[build-system]"),
            (lib, "[build-system]", "[tool.uv]\nmanaged = false\n[build-system]"),
            (tool, "\"click\"", "\"click\", \"h11\""),
            (tool, "[\"lib\", \"click\"]\n", "[\"lib\", \"click\"]\n[build-system]\nrequires = []\n"),
            (tool, "[\"lib\", \"click\"]\n", "[\"lib\", \"click\"]\n[tool.uv.sources]\nlib = { workspace = true }\n"),
            (vendored, "\"packaging\"", "\"packaging>=20\""),
            (vendored, "version = \"1\"", "version = \"1.1\""),
        ],
    );
}

#[test]
fn conflicts_are_judged_as_uv_judges_them() {
    let p = "pyproject.toml";
    judges_as_uv(
        &conflicts(),
        &[
            (p, "[{ extra = \"a\" }, { extra = \"b\" }], ", ""),
            (p, "{ extra = \"a\" }, { extra = \"b\" }", "{ extra = \"b\" }, { extra = \"a\", package = \"conflicts\" }"),
            (p, "{ extra = \"a\" }, { extra = \"b\" }", "{ extra = \"a\" }, { group = \"dev\" }"),
            (p, ", \"sys_platform == 'darwin'\"", ""),
            (p, "package = false\n", ""),
        ],
    );
    judges_as_uv(
        &virtual_root(),
        &[
            (p, "\"click\"", "\"click>=8\""),
            (p, "\"click\", ", ""),
            (p, "'win32'", "'cygwin'"),
            ("app/pyproject.toml", "<4", "<5"),
            ("app/pyproject.toml", "\"h11\"", "\"h11\", \"click\""),
        ],
    );
}

/// Finds the index that is configured here and the URL of a wheel in it, by locking with them.
pub fn from_the_index(package: &str) -> (String, String) {
    let manifest =
        format!("[project]\nname = \"probe\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\"{package}\"]\n");
    let world = World::new(&[("pyproject.toml", &manifest)]);
    run_ok(&world.root(), "uv", &["lock"]);
    let lock = world.read("uv.lock");
    let after = |mark: &str| lock.split(mark).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let wheel = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap().packages.remove(0);
    match wheel.choice {
        Choice::Wheel(file) => (after("registry = \""), file.url.unwrap().to_string()),
        other => panic!("{package} has a wheel: {other:?}"),
    }
}

/// A project with everything that `tool.uv` can say of where packages come from and which are let in.
fn sources() -> World {
    let (index, wheel) = from_the_index("idna==3.10");
    let manifest = format!(
        r#"[project]
name = "sources"
version = "1"
requires-python = ">=3.11"
dependencies = [
    "idna @ {wheel}",
    "anyio",
    "click",
    "colorama; os_name == 'nt' and sys_platform == 'win32'",
    "h11; platform_system == 'Linux' and sys_platform == 'win32'",
    "iniconfig; platform_machine in 'x86_64 aarch64'",
    "pathspec; python_version not in '3.9 3.10' and implementation_name != 'pypy'",
    "legacy",
    "flowing",
]
[project.optional-dependencies]
one = ["packaging"]
two = ["packaging"]
[tool.uv]
package = false
dev-dependencies = ["attrs"]
override-dependencies = ["colorama>=0.3; sys_platform == 'win32'"]
exclude-dependencies = ["sniffio"]
build-constraint-dependencies = ["setuptools<90"]
prerelease = "disallow"
[[tool.uv.dependency-metadata]]
name = "docopt"
version = "0.6.2"
requires-dist = ["idna>=2"]
[[tool.uv.index]]
name = "here"
url = "{index}"
explicit = true
[tool.uv.sources]
click = {{ index = "here" }}
packaging = [{{ index = "here", extra = "one" }}]
legacy = {{ path = "legacy" }}
flowing = {{ path = "flowing" }}
"#
    );
    World::new(&[
        ("pyproject.toml", &manifest),
        ("legacy/setup.py", "from setuptools import setup\nsetup(name='legacy', version='1', install_requires=['h11'])\n"),
        (
            "flowing/pyproject.toml",
            "[project]\nname = \"flowing\"\ndynamic = [\"version\"]\ndependencies = [\"attrs\"]\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[tool.setuptools]\npy-modules = []\n[tool.setuptools.dynamic]\nversion = { file = \"VERSION\" }\n",
        ),
        ("flowing/VERSION", "1.0\n"),
    ])
}

#[test]
fn sources_are_chosen_and_judged_as_uv_does() {
    use MainDependencies::Include;
    let (p, f) = ("pyproject.toml", "flowing/pyproject.toml");
    let world = sources();
    run_ok(&world.root(), "uv", &["lock"]);
    agrees(&world, ".", &wanted(&[], &[], Include));
    agrees(&world, ".", &wanted(&["one"], &["dev"], Include));
    judges_as_uv(
        &world,
        &[
            (p, "os_name == 'nt' and sys_platform == 'win32'", "sys_platform == 'win32' and os_name == 'nt'"),
            (p, "os_name == 'nt' and sys_platform == 'win32'", "sys_platform == 'win32'"),
            (p, "os_name == 'nt' and sys_platform == 'win32'", "platform_system == 'Windows' and os_name == 'nt'"),
            (p, "os_name == 'nt' and sys_platform == 'win32'", "os_name == 'nt' and sys_platform == 'linux'"),
            (p, "platform_system == 'Linux' and", "platform_system == 'iOS' and"),
            (p, "platform_machine in 'x86_64 aarch64'", "platform_machine in 'aarch64 x86_64'"),
            (p, "python_version not in '3.9 3.10' and ", ""),
            (p, "python_version not in '3.9 3.10' and ", "python_version not in '3.12 3.13' and "),
            (p, "\"click\",", "\"click>=8\","),
            (p, "click = { index = \"here\" }\n", ""),
            (p, "{ index = \"here\", extra = \"one\" }", "{ index = \"here\" }"),
            (p, "extra = \"one\"", "extra = \"two\""),
            (p, "index = \"here\", extra", "marker = \"sys_platform == 'linux'\", index = \"here\", extra"),
            (p, "dev-dependencies = [\"attrs\"]", "dev-dependencies = []"),
            (p, "dev-dependencies = [\"attrs\"]\n", ""),
            (p, "colorama>=0.3", "colorama>=0.2"),
            (p, "[\"sniffio\"]", "[\"exceptiongroup\"]"),
            (p, "setuptools<90", "setuptools<91"),
            (p, "prerelease = \"disallow\"", "prerelease = \"explicit\""),
            (p, "requires-dist = [\"idna>=2\"]", "requires-dist = [\"idna>=3\"]"),
            (p, "requires-dist = [\"idna>=2\"]", "requires-dist = [\"idna >= 2\"]"),
            (p, "explicit = true", "explicit = false"),
            (p, "explicit = true", "default = true"),
            (p, "legacy = { path", "legacy = { editable = true, path"),
            (f, "\"attrs\"", "\"attrs>20\""),
            (f, "dynamic = [\"version\"]", "version = \"1.0\""),
        ],
    );
}
