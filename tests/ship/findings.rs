//! What the gates find, from the tools to the terminal, to files, to a workflow, and back from memory.

use serde_json::Value;

use crate::world::World;

/// One failing test of 300, three findings of the linter, two errors of types.
fn flawed() -> World {
    let world = World::example("flask-requirements");
    for test in ["tests/test_app.py", "tests/test_slug.py"] {
        std::fs::remove_file(world.project().join(test)).unwrap();
    }
    let many = "\"\"\"Numbers.\"\"\"\n\nimport pytest\n\n\n@pytest.mark.parametrize(\"number\", range(299))\ndef test_number(number: int) -> None:\n    assert number >= 0\n\n\ndef test_sum() -> None:\n    total = sum([1, 2])\n    print(\"the sum is\", total)\n    assert total == 4\n";
    let types = "\"\"\"Types.\"\"\"\n\n\ndef name() -> str:\n    return 1\n\n\ndef size() -> int:\n    return \"big\"\n";
    let lint = "\"\"\"Lint.\"\"\"\n\nimport json\nimport os\nimport sys\n";
    world.write("tests/test_many.py", many).write("slugs/types_.py", types).write("slugs/lint_.py", lint);
    world.commit("flaws");
    world
}

/// Each of the six, as `file:line`.
const SIX: [&str; 6] = [
    "slugs/lint_.py:3:8",
    "slugs/lint_.py:4:8",
    "slugs/lint_.py:5:8",
    "slugs/types_.py:5:12",
    "slugs/types_.py:9:12",
    "tests/test_many.py:14",
];

#[test]
fn docker_one_test_of_300_three_findings_two_types_are_all_shown_and_nothing_is_deployed() {
    let world = flawed();
    let folder = world.project();
    let checked = world
        .command(&["check", "--sarif", "found.sarif", "--junit", "tests.xml"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", folder.parent().unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(1), "{told}");
    for place in SIX {
        assert!(told.contains(place), "{place} is not told:\n{told}");
    }
    for text in [
        "red: 3 findings (ruff ",
        "red: 2 findings (mypy ",
        "red: 1 failed, 299 passed (pytest ",
        "> 4 | import os",
        "> 5 |     return 1",
        ">       assert total == 4",
    ] {
        assert!(told.contains(text), "`{text}` is not told:\n{told}");
    }

    let commands: Vec<&str> = told.lines().filter(|line| line.starts_with("::")).collect();
    assert!(commands[0].starts_with("::stop-commands::"), "{commands:#?}");
    assert_eq!(commands.len(), 2 + SIX.len(), "{commands:#?}");
    assert!(
        commands.contains(&"::error file=project/slugs/lint_.py,line=4,col=8,title=lint%3A F401::`os` imported but unused"),
        "{commands:#?}"
    );

    let sarif: Value = serde_json::from_slice(&std::fs::read(folder.join("found.sarif")).unwrap()).unwrap();
    let found: usize = sarif["runs"].as_array().unwrap().iter().map(|run| run["results"].as_array().unwrap().len()).sum();
    assert_eq!(found, SIX.len());
    let junit = std::fs::read_to_string(folder.join("tests.xml")).unwrap();
    assert_eq!(junit.matches("<testcase name=\"test_").count(), 300);
    assert!(junit.contains("the sum is 3"), "what a failed test printed is kept");
    for file in ["found.sarif", "tests.xml"] {
        std::fs::remove_file(folder.join(file)).unwrap();
    }

    let results = world.json(&["results"]);
    assert_eq!(results["tests"]["unit"].as_array().unwrap().len(), 300);
    let again = world.run(&["results", "--failed"]).ok();
    for place in SIX {
        assert!(again.stdout.contains(place), "{place} is forgotten:\n{}", again.stdout);
    }
    let history = world.run(&["results", "--test", "test_sum"]).ok();
    assert!(history.stdout.contains("tests/test_many.py::test_sum") && history.stdout.contains("failed"), "{history:?}");

    let refused = world.run(&["ship"]).refused("the gauntlet did not pass");
    for place in SIX {
        assert!(refused.stderr.contains(place), "{place} is not told by ship:\n{}", refused.stderr);
    }
    assert!(refused.stderr.contains("the same"), "nothing is new since the check:\n{}", refused.stderr);
    assert_eq!(world.serving("local"), "");
    assert_eq!(world.left("container"), Vec::<String>::new(), "something was started");
}

#[test]
fn docker_what_is_new_since_the_last_run_comes_first() {
    let world = World::example("flask-requirements");
    world.run(&["check"]).ok();
    let test = "\"\"\"More.\"\"\"\n\n\ndef test_b() -> None:\n    assert 1 == 2\n";
    world.write("tests/test_b.py", test).commit("b");
    world.run(&["check"]).refused("`unit` is red");
    world.write("tests/test_a.py", test.replace("_b", "_a")).commit("a");
    let told = world.run(&["check"]).refused("`unit` is red").stderr;
    assert!(told.contains("tests/test_a.py:5  new") && !told.contains("tests/test_b.py:5  new"), "{told}");
    assert!(told.contains(": 1 new") && told.contains("2 added"), "{told}");
}
