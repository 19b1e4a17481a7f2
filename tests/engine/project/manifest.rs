//! What a manifest says, in each of the forms in which it is written.

use std::path::Path;

use nonevent_engine::project::manifest::{Install, Manifest, RequirementFormat, normal, requirement_extras, requirement_name};
use nonevent_engine::project::{Located, Project, ProjectError};

use crate::tree::{Tree, explained};

const APP: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";

fn texts(requirements: &[Located<String>]) -> Vec<&str> {
    requirements.iter().map(|requirement| requirement.value.as_str()).collect()
}

fn manifest(text: &str) -> Manifest {
    Tree::new()
        .file("pyproject.toml", text)
        .file("main.py", APP)
        .file("nonevent.toml", "[app]\ncommand = \"x\"\n")
        .project()
        .manifest
}

#[test]
fn pep_621_and_735_are_read() {
    let text = r#"
[project]
name = "My_Shop"
version = "2.1"
requires-python = ">=3.12"
dependencies = ["fastapi (>=0.115)", "uvicorn[standard]>=0.34; python_version > '3'"]
dynamic = ["readme"]

[project.optional-dependencies]
Post_Gres = ["psycopg[binary]>=3"]

[project.scripts]
shop = "shop.cli:main"

[dependency-groups]
Dev = ["pytest", { include-group = "lint" }]
lint = ["ruff>=0.8"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"#;
    let manifest = manifest(text);
    assert_eq!((manifest.name.unwrap().value.as_str(), manifest.version.as_deref()), ("My_Shop", Some("2.1")));
    assert_eq!(manifest.requires_python.map(|requires| (requires.value, requires.at.line)), Some((">=3.12".into(), 5)));
    assert_eq!(texts(&manifest.dependencies), ["fastapi (>=0.115)", "uvicorn[standard]>=0.34; python_version > '3'"]);
    assert_eq!(texts(&manifest.extras["post-gres"]), ["psycopg[binary]>=3"]);
    assert_eq!(texts(&manifest.groups["dev"]), ["pytest", "ruff>=0.8"]);
    assert_eq!(manifest.scripts["shop"].value, "shop.cli:main");
    assert_eq!((manifest.install, manifest.dynamic), (Install::Package, vec!["readme".to_owned()]));
    assert_eq!(manifest.build_system.unwrap().backend.as_deref(), Some("hatchling.build"));
}

#[test]
fn poetrys_own_tables_are_read() {
    let text = r#"
[tool.poetry]
name = "shop"
version = "1.0"
packages = [{ include = "shop", from = "lib" }]

[tool.poetry.dependencies]
python = "^3.11"
fastapi = "^0.115"
uvicorn = { version = "~0.34", extras = ["standard"] }
psycopg = { version = "*", optional = true }
tomli = { version = ">=2", python = "<3.11" }
mine = { git = "https://example.com/mine.git", tag = "v1" }
numpy = [{ version = "^1.26", python = "<3.13" }, { version = "^2.1", python = ">=3.13" }]

[tool.poetry.extras]
postgres = ["psycopg"]

[tool.poetry.group.dev.dependencies]
pytest = "^8"

[tool.poetry.dev-dependencies]
ruff = "*"
"#;
    let manifest = manifest(text);
    assert_eq!(manifest.requires_python.unwrap().value, ">=3.11,<4");
    assert_eq!(
        texts(&manifest.dependencies),
        [
            "fastapi>=0.115,<0.116",
            "uvicorn[standard]>=0.34,<0.35",
            "tomli>=2 ; python_full_version < \"3.11\"",
            "mine @ git+https://example.com/mine.git@v1",
            "numpy>=1.26,<2 ; python_full_version < \"3.13\"",
            "numpy>=2.1,<3 ; python_full_version >= \"3.13\"",
        ]
    );
    assert_eq!(texts(&manifest.extras["postgres"]), ["psycopg"]);
    assert_eq!(texts(&manifest.groups["dev"]), ["ruff", "pytest>=8,<9"]);
    assert_eq!(manifest.install, Install::Package);
}

#[test]
fn the_standard_table_wins_over_poetrys() {
    let text = "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"uvicorn\"]\n[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\npython = \"^3.11\"\nfastapi = \"*\"\n";
    let manifest = manifest(text);
    assert_eq!((texts(&manifest.dependencies), manifest.install), (vec!["uvicorn"], Install::Folder));
}

#[test]
fn uvs_table_is_read() {
    let text = "[project]\nname = \"shop\"\nversion = \"1\"\n[build-system]\nrequires = []\n[tool.uv]\npackage = false\ndev-dependencies = [\"ruff\"]\ndefault-groups = [\"checks\"]\n[dependency-groups]\nchecks = [\"mypy\"]\n";
    let tree = Tree::new().file("pyproject.toml", text).file("nonevent.toml", "[app]\ncommand = \"x\"\n");
    let project = tree.project();
    assert_eq!((texts(&project.manifest.groups["dev"]), project.manifest.install), (vec!["ruff"], Install::Folder));
    assert_eq!(project.settings.gauntlet.groups, ["checks", "dev"]);
}

#[test]
fn requirement_files_are_read() {
    let tree = Tree::new()
        .file("requirements.in", "-r base.in\nuvicorn >= 0.34  # the server\n-e ./own\nhttps://example.com/x.whl\n")
        .file("base.in", "fastapi\n")
        .file("requirements.txt", "fastapi==0.115.0 \\\n    --hash=sha256:aa\nuvicorn==0.34.0 --hash=sha256:bb\n")
        .file("requirements-dev.in", "-c requirements.txt\npytest>=8\n")
        .file("requirements/test.txt", "coverage==7\n")
        .file("main.py", APP);
    let manifest = tree.project().manifest;
    assert_eq!(manifest.file.as_deref(), Some(Path::new("requirements.in")));
    assert_eq!(texts(&manifest.dependencies), ["fastapi", "uvicorn >= 0.34"]);
    assert_eq!(manifest.dependencies[1].at.to_string(), "requirements.in:2");
    assert_eq!((texts(&manifest.groups["dev"]), texts(&manifest.groups["test"])), (vec!["pytest>=8"], vec!["coverage==7"]));
    let files: Vec<_> =
        manifest.requirements.iter().map(|file| (file.path.to_str().unwrap(), file.format, file.group.as_deref())).collect();
    assert_eq!(
        files,
        [
            ("requirements.in", RequirementFormat::Source, None),
            ("requirements.txt", RequirementFormat::Text, None),
            ("requirements-dev.in", RequirementFormat::Source, Some("dev")),
            ("requirements/test.txt", RequirementFormat::Text, Some("test")),
        ]
    );
}

#[test]
fn of_several_requirement_files_the_one_nearest_to_production_counts() {
    let tree = Tree::new()
        .file("requirements/base.txt", "fastapi==0.115\n")
        .file("requirements/production.txt", "-r base.txt\nuvicorn==0.34\n")
        .file("requirements/dev.txt", "-r base.txt\npytest==8\n")
        .file("main.py", APP);
    assert_eq!(texts(&tree.project().manifest.dependencies), ["fastapi==0.115", "uvicorn==0.34"]);
    let manifest = tree.file("requirements.txt", "uvicorn==0.1\n").project().manifest;
    assert_eq!(texts(&manifest.dependencies), ["uvicorn==0.1"]);
}

#[test]
fn a_manifest_of_tools_only_leaves_dependencies_to_requirement_files() {
    let tree =
        Tree::new().file("pyproject.toml", "[tool.ruff]\n").file("requirements.txt", "uvicorn==0.34\n").file("main.py", APP);
    let manifest = tree.project().manifest;
    assert_eq!(
        (manifest.file.as_deref(), texts(&manifest.dependencies)),
        (Some(Path::new("requirements.txt")), vec!["uvicorn==0.34"])
    );
}

#[test]
fn dependencies_that_setuptools_reads_from_a_file_are_read() {
    let text = "[project]\nname = \"shop\"\nversion = \"1\"\ndynamic = [\"dependencies\"]\n[tool.setuptools.dynamic]\ndependencies = { file = [\"deps.txt\"] }\n";
    let tree = Tree::new().file("pyproject.toml", text).file("deps.txt", "uvicorn\n").file("main.py", APP);
    assert_eq!(texts(&tree.project().manifest.dependencies), ["uvicorn"]);
}

#[test]
fn files_of_an_older_kind_are_named_and_not_read() {
    let tree = Tree::new()
        .file("setup.py", "")
        .file("setup.cfg", "[metadata]\nname = x\n")
        .file("nonevent.toml", "[app]\ncommand = \"x\"\n");
    let manifest = tree.project().manifest;
    assert_eq!((manifest.file, manifest.unread), (None, vec!["setup.py".into(), "setup.cfg".into()]));
}

#[test]
fn layouts_are_found() {
    let roots = |tree: &Tree| {
        let layout = tree.project().manifest.layout;
        let text = |paths: Vec<std::path::PathBuf>| {
            paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        (text(layout.import_roots), text(layout.packages), text(layout.modules))
    };
    let flat = Tree::with(&["uvicorn"])
        .file("shop/__init__.py", "")
        .file("main.py", APP)
        .file("tests/__init__.py", "")
        .file("setup.py", "");
    assert_eq!(roots(&flat), (String::new(), "shop".into(), "main.py".into()));
    let src = Tree::with(&["uvicorn"]).file("src/shop/__init__.py", APP).file("src/one.py", "");
    assert_eq!(roots(&src), ("src ".into(), "src/shop".into(), "src/one.py".into()));
    let package_called_src = Tree::with(&["uvicorn"]).file("src/__init__.py", "").file("src/main.py", APP);
    assert_eq!(roots(&package_called_src), (String::new(), "src".into(), String::new()));
    for hint in [
        "[tool.poetry]\npackages = [{ include = \"shop\", from = \"lib\" }]\n",
        "[tool.setuptools]\npackage-dir = { \"\" = \"lib\" }\n",
        "[tool.setuptools.packages.find]\nwhere = [\"lib\"]\n",
        "[tool.hatch.build.targets.wheel]\npackages = [\"lib/shop\"]\n",
        "[tool.uv.build-backend]\nmodule-root = \"lib\"\n",
    ] {
        let text = format!("[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"uvicorn\"]\n{hint}");
        let tree = Tree::new().file("pyproject.toml", &text).file("lib/shop/__init__.py", "").file("lib/shop/main.py", APP);
        assert_eq!(roots(&tree), ("lib ".into(), "lib/shop".into(), String::new()), "{hint}");
        assert!(crate::tree::lines(&tree.project())[0].contains(" shop.main:app "), "{hint}");
    }
}

#[test]
fn a_member_of_a_uv_workspace_knows_its_root() {
    let tree = Tree::new()
        .file("pyproject.toml", "[tool.uv.workspace]\nmembers = [\"packages/*\"]\nexclude = [\"packages/old\"]\n")
        .file("uv.lock", "version = 1\n[[package]]\nname = \"uvicorn\"\n")
        .file(".python-version", "3.12\n")
        .file("packages/api/pyproject.toml", "[project]\nname = \"api\"\nversion = \"1\"\n")
        .file("packages/api/main.py", APP)
        .file("packages/old/pyproject.toml", "[project]\nname = \"old\"\nversion = \"1\"\n");
    let project = Project::open(&tree.path().join("packages/api")).unwrap();
    let workspace = project.manifest.workspace.clone().unwrap();
    assert_eq!((workspace.root.clone(), workspace.member.to_str()), (tree.path(), Some("packages/api")));
    assert_eq!((project.source_root(), project.settings.app.python.as_str()), (tree.path().as_path(), "3.12"));
    let ProjectError::NothingToRun { members, .. } = tree.error() else { panic!() };
    assert_eq!(members, ["packages/api"]);
    let old = Project::open(&tree.path().join("packages/old"));
    assert!(matches!(old, Err(ProjectError::NothingToRun { .. })), "an excluded folder is no member");
}

#[test]
fn the_name_is_the_manifests_or_the_folders() {
    let name = |text: &str| {
        let tree =
            Tree::new().file("inner/pyproject.toml", text).file("inner/main.py", APP).file("inner/requirements.txt", "uvicorn\n");
        let project = Project::open(&tree.path().join("inner")).unwrap();
        explained(&project, "app.name")
    };
    let dependencies = "dependencies = [\"uvicorn\"]\n";
    assert_eq!(
        name(&format!("[project]\nname = \"My_Shop\"\nversion = \"1\"\n{dependencies}")),
        "\"my-shop\" (inferred from pyproject.toml:2 `name = \"My_Shop\"`)"
    );
    assert_eq!(name("[tool.ruff]\n"), "\"inner\" (inferred from the folder is called `inner`)");
}

#[test]
fn the_python_follows_from_what_the_project_says() {
    let python = |requires: &str, files: &[(&str, &str)]| {
        let text = format!("[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"uvicorn\"]\n{requires}\n");
        let tree = files
            .iter()
            .fold(Tree::new().file("pyproject.toml", &text).file("main.py", APP), |tree, (path, text)| tree.file(path, text));
        let project = tree.project();
        (project.settings.app.python.clone(), explained(&project, "build.base"))
    };
    assert_eq!(python("", &[]), ("3.13".into(), "\"python:3.13-slim\" (default)".into()));
    let inferred = "\"python:3.12-slim\" (inferred from pyproject.toml:5 `requires-python = \">=3.10,<3.13\"`)";
    assert_eq!(python("requires-python = \">=3.10,<3.13\"", &[]), ("3.12".into(), inferred.into()));
    assert_eq!(python("requires-python = \">=3.14\"", &[]).0, "3.14");
    let file = [(".python-version", "# mine\n3.11.9\n")];
    assert_eq!(python("", &file), ("3.11".into(), "\"python:3.11-slim\" (inferred from .python-version:2)".into()));
    assert_eq!(python("requires-python = \">=3.12\"", &file).0, "3.13", "a version that the project does not allow");
    let base = [("nonevent.toml", "[build]\nbase = \"python:3.12-bookworm\"\n")];
    assert_eq!(python("", &base), ("3.12".into(), "\"python:3.12-bookworm\" (nonevent.toml:2)".into()));
    let own = [("nonevent.toml", "[build]\nbase = \"example.com/own:1\"\n"), (".python-version", "3.11")];
    assert_eq!(python("", &own), ("3.11".into(), "\"example.com/own:1\" (nonevent.toml:2)".into()));
}

#[test]
fn names_and_extras_of_requirements_are_read() {
    for (requirement, name, extras) in [
        ("uvicorn[standard, Extra_One]>=1", "uvicorn", vec!["standard", "extra-one"]),
        ("My.Package_x ; python_version < '3'", "my-package-x", vec![]),
        ("x @ https://example.com/a[b]", "x", vec![]),
        ("", "", vec![]),
    ] {
        assert_eq!(
            (requirement_name(requirement).as_str(), requirement_extras(requirement)),
            (name, extras.into_iter().map(String::from).collect())
        );
    }
    assert_eq!(normal("A__b.-C"), "a-b-c");
}
