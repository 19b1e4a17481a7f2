//! Which gates a project has set up without saying so.

use nonevent_engine::model::{CommandLine, GateSettings};
use nonevent_engine::project::Project;

use crate::tree::{Tree, explained};

const APP: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";

fn tree(rest: &str) -> Tree {
    let text = format!("[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"fastapi\", \"uvicorn\"]\n{rest}");
    Tree::new().file("pyproject.toml", &text).file("shop/__init__.py", "").file("shop/main.py", APP)
}

fn gate(gate: &GateSettings) -> String {
    let run = match &gate.run {
        None => "not set up".into(),
        Some(CommandLine::Exec(arguments)) => arguments.join(" "),
        Some(CommandLine::Shell(line)) => format!("sh: {line}"),
    };
    format!("{}: {run}", gate.name)
}

fn gates(project: &Project) -> Vec<String> {
    project.settings.gauntlet.gates.iter().map(gate).collect()
}

#[test]
fn nothing_is_set_up_where_no_tool_is() {
    let project = tree("").project();
    assert_eq!(gates(&project), ["lint: not set up", "format: not set up", "types: not set up", "unit: not set up"]);
    assert_eq!(explained(&project, "gauntlet.unit"), "false (inferred from pytest is neither configured nor a dependency)");
}

#[test]
fn configured_tools_are_run() {
    let project = tree("[tool.ruff]\n[tool.mypy]\nfiles = [\"shop\"]\n[tool.pytest.ini_options]\n").project();
    assert_eq!(gates(&project), ["lint: ruff check", "format: ruff format --check", "types: mypy", "unit: pytest"]);
    assert_eq!(explained(&project, "gauntlet.types.run"), "[\"mypy\"] (inferred from pyproject.toml `[tool.mypy]`)");
}

#[test]
fn tools_with_files_of_their_own_are_run() {
    let project =
        tree("").file("ruff.toml", "").file("mypy.ini", "[mypy]\nstrict = true\n").file("tox.ini", "[pytest]\n").project();
    assert_eq!(gates(&project), ["lint: ruff check", "format: ruff format --check", "types: mypy shop", "unit: pytest"]);
    let project = tree("").file("setup.cfg", "[mypy]\nfiles = shop\n[tool:pytest]\n").project();
    assert_eq!(gates(&project)[2..], ["types: mypy", "unit: pytest"]);
}

#[test]
fn development_dependencies_are_run() {
    let project =
        tree("[dependency-groups]\ndev = [\"ruff>=0.8\", {include-group = \"test\"}]\ntest = [\"pytest\"]\nother = []\n")
            .project();
    assert_eq!(gates(&project), ["lint: ruff check", "format: ruff format --check", "types: not set up", "unit: pytest"]);
    assert_eq!(project.settings.gauntlet.groups, ["dev", "test"]);
    assert_eq!(explained(&project, "gauntlet.lint.run"), "[\"ruff\", \"check\"] (inferred from pyproject.toml:6 `ruff>=0.8`)");
    let project = tree("").file("requirements-dev.txt", "pytest==8.3\n").project();
    assert_eq!((gates(&project)[3].as_str(), project.settings.gauntlet.groups), ("unit: pytest", vec!["dev".to_owned()]));
}

#[test]
fn the_type_checker_is_the_one_that_the_project_depends_on() {
    for (rest, expected) in [
        ("[dependency-groups]\ndev = [\"pyright\"]\n", "types: pyright"),
        ("[dependency-groups]\ndev = [\"ty\"]\n", "types: ty check"),
        ("[dependency-groups]\ndev = [\"basedpyright\"]\n", "types: basedpyright"),
        ("[dependency-groups]\ndev = [\"pyright\", \"mypy\"]\n", "types: mypy shop"),
        ("[tool.pyright]\n[dependency-groups]\ndev = [\"mypy\"]\n", "types: mypy shop"),
        ("[tool.mypy]\n[dependency-groups]\ndev = [\"ty\"]\n", "types: ty check"),
        ("[tool.pyright]\n", "types: pyright"),
    ] {
        assert_eq!(gates(&tree(rest).project())[2], expected, "{rest}");
    }
}

#[test]
fn black_formats_where_the_project_says_so() {
    let format = |rest: &str| gates(&tree(rest).project())[1].clone();
    assert_eq!(format("[tool.ruff]\n[tool.black]\n"), "format: black --check .");
    assert_eq!(format("[tool.ruff.format]\n[tool.black]\n"), "format: ruff format --check");
}

#[test]
fn unit_and_integration_tests_in_folders_of_their_own_are_parted() {
    let tree = || tree("[tool.pytest.ini_options]\n").file("tests/unit/test_a.py", "").file("tests/integration/test_b.py", "");
    let project = tree().project();
    assert_eq!(gates(&project)[3..], ["unit: pytest tests/unit", "integration: not set up"]);
    assert!(project.warnings[0].message.contains("`tests/integration` are not run"), "{:?}", project.warnings);
    let services = "[services.db]\nimage = \"postgres:17\"\n[services.cache]\nimage = \"redis:8\"\n";
    let project = tree().file("nonevent.toml", services).project();
    assert_eq!(gates(&project)[3..], ["unit: pytest tests/unit", "integration: pytest tests/integration"]);
    assert_eq!(project.settings.gauntlet.gates[4].services, ["db", "cache"]);
    assert!(project.warnings.is_empty());
    let given = "[gauntlet]\nintegration = { timeout = \"20m\" }\n";
    let project = tree().file("nonevent.toml", given).project();
    assert_eq!(gates(&project)[4], "integration: pytest tests/integration");
    assert_eq!(project.settings.gauntlet.gates[4].timeout.as_secs(), 1200);
    let off = tree().file("nonevent.toml", "[gauntlet]\nintegration = false\n").project();
    assert_eq!((gates(&off).len(), off.warnings.len()), (4, 0));
}

#[test]
fn integration_tests_beside_others_are_left_to_their_gate() {
    let tree = tree("[tool.pytest.ini_options]\n").file("tests/test_a.py", "").file("tests/integration/test_b.py", "");
    let project = tree.file("nonevent.toml", "[services.db]\nimage = \"postgres:17\"\n").project();
    assert_eq!(gates(&project)[3], "unit: pytest --ignore=tests/integration");
}

#[test]
fn integration_tests_are_also_known_by_their_marker() {
    let services = "[services.db]\nimage = \"postgres:17\"\n";
    for settings in [
        "[tool.pytest.ini_options]\nmarkers = [\"integration: needs services\", \"slow\"]\n",
        "[tool.pytest]\nmarkers = [\"integration: needs services\"]\n",
    ] {
        let project = tree(settings).file("nonevent.toml", services).project();
        assert_eq!(gates(&project)[3..], ["unit: pytest -m not integration", "integration: pytest -m integration"]);
        assert_eq!(project.settings.gauntlet.gates[4].services, ["db"]);
    }
    let ini = tree("").file("pytest.ini", "[pytest]\nmarkers =\n    integration: needs services\naddopts = -m \"not slow\"\n");
    let project = ini.file("nonevent.toml", services).project();
    assert_eq!(gates(&project)[3..], ["unit: pytest", "integration: pytest -m integration"]);
    let without = tree("[tool.pytest.ini_options]\nmarkers = [\"integration\"]\n").project();
    assert_eq!(gates(&without)[3..], ["unit: pytest", "integration: not set up"]);
    let toml = tree("").file("pytest.toml", "[pytest]\nmarkers = [\"integration\"]\n").file("nonevent.toml", services).project();
    assert_eq!(gates(&toml)[4], "integration: pytest -m integration");
}

#[test]
fn what_nox_and_pre_commit_run_and_no_gate_does_is_named() {
    let nox = "import nox\n\n@nox.session\ndef types(session):\n    session.install(\"mypy\")\n    session.run(\"mypy\", \"src\")\n    # session.run(\"flake8\")\n\n@nox.session\ndef tests(session):\n    session.run('pytest')\n    session.run('pip-audit')\n";
    let project = tree("[tool.pytest.ini_options]\n").file("noxfile.py", nox).project();
    let [warning] = project.warnings.as_slice() else { panic!("{:?}", project.warnings) };
    assert_eq!(warning.message, "`noxfile.py` runs `mypy` (line 6), `pip-audit` (line 12), and no gate does");
    assert!(warning.hint.as_ref().unwrap().contains("`audit = { run = \"pip-audit\" }`"), "{:?}", warning.hint);
    let hooks = "repos:\n  - repo: https://example.com/ruff\n    rev: v1\n    hooks:\n      - id: ruff\n      - id: ruff-format\n  - repo: local\n    hooks:\n      - {id: codespell, args: [--write]}\n      - id: trailing-whitespace\n";
    let project = tree("[tool.ruff]\n").file(".pre-commit-config.yaml", hooks).project();
    assert_eq!(project.warnings[0].message, "`.pre-commit-config.yaml` runs `codespell` (line 9), and no gate does");
    let quiet = "[gauntlet]\nspelling = false\naudit = { run = \"pip-audit --strict\" }\ntypes = false\n";
    let tree = tree("[tool.ruff]\n[tool.pytest]\n").file(".pre-commit-config.yaml", hooks).file("noxfile.py", nox);
    assert!(tree.file("nonevent.toml", quiet).project().warnings.is_empty());
}

#[test]
fn tests_that_nothing_runs_are_warned_of() {
    let project = tree("").file("tests/test_a.py", "").project();
    assert!(project.warnings[0].message.contains("no test is run"), "{:?}", project.warnings);
}

#[test]
fn the_configuration_changes_adds_and_removes_gates() {
    let configuration = "[gauntlet]\nrequired = [\"types\"]\nlint = false\ntypes = { run = \"mypy src\", needs = [\"unit\"], allow_failure = true }\nunit = { run = [\"python\", \"-m\", \"unittest\"], env = { A = \"1\" }, network = true, docker = true }\nmigrations = { run = \"python manage.py check\" }\n";
    let project = tree("[tool.ruff]\n").file("nonevent.toml", configuration).project();
    let expected = [
        "format: ruff format --check",
        "types: sh: mypy src",
        "unit: python -m unittest",
        "migrations: sh: python manage.py check",
    ];
    assert_eq!(gates(&project), expected);
    let [_, types, unit, _] = project.settings.gauntlet.gates.as_slice() else { panic!() };
    assert!(types.allow_failure && types.needs == ["unit"]);
    assert!(unit.network && unit.docker && unit.env["A"] == "1" && unit.timeout.as_secs() == 600);
    assert_eq!(explained(&project, "gauntlet.lint"), "false (nonevent.toml:3)");
}
