//! `docs/configuration.md` names exactly the keys that are accepted, and its examples are valid.

use std::collections::BTreeSet;

use nonevent_engine::project::accepted_keys;

use crate::tree::{Tree, explained};

const PAGE: &str = include_str!("../../../docs/configuration.md");

fn examples() -> Vec<String> {
    let blocks = PAGE.split("```toml\n").skip(1);
    blocks.filter_map(|block| block.split("```").next()).map(str::to_owned).collect()
}

/// Keys of the tables on the page, with `*` for names of the project's choice.
fn documented() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut table = String::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## `[").and_then(|rest| rest.split(']').next()) {
            table = heading
                .split('.')
                .map(|part| if part.chars().all(|c| c.is_ascii_uppercase()) { "*" } else { part })
                .collect::<Vec<_>>()
                .join(".");
        }
        if let Some(cell) = line.strip_prefix("| `") {
            let key = cell.split('`').next().unwrap();
            let key = key
                .split('.')
                .map(|part| if part.chars().all(|c| c.is_ascii_uppercase()) { "*" } else { part })
                .collect::<Vec<_>>()
                .join(".");
            keys.insert(format!("{table}.{key}"));
        }
    }
    keys
}

/// One of everything that a configuration may hold.
const EVERYTHING: &str = r#"
[app]
[process.a]
[job.a]
schedule = "@daily"
run = "x"
[build]
[lock]
[gauntlet.a]
[services.a]
image = "x"
ready = { port = 1 }
[health]
[release]
[logs]
[environments.a.acme]
[environments.a.secrets.a]
[gauntlet.a.secrets.a]
[environments.a.process.a]
[environments.a.tolerance]
[environments.a.probes.a]
path = "/"
[notify.webhook.a]
url = "env:A"
"#;

#[test]
fn every_key_that_is_accepted_is_documented_and_the_other_way_round() {
    let accepted = accepted_keys(EVERYTHING).unwrap();
    // Tables are described by what they hold.
    let is_table = |key: &String| accepted.iter().any(|other| other.starts_with(&format!("{key}.")));
    let leaves: BTreeSet<String> = accepted.iter().filter(|key| !is_table(key)).cloned().collect();
    let documented = documented();
    assert_eq!(leaves.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new(), "not on the page");
    assert_eq!(documented.difference(&accepted).collect::<Vec<_>>(), Vec::<&String>::new(), "not accepted");
}

#[test]
fn the_examples_are_valid() {
    assert!(examples().len() >= 8);
    for example in examples() {
        let result = accepted_keys(&example);
        assert!(result.is_ok(), "{example}\n{result:?}");
    }
}

#[test]
fn the_defaults_on_the_page_are_the_defaults() {
    let text = "[job.daily]\nschedule = \"@daily\"\nrun = \"x\"\n[process.web]\n[process.worker]\ncommand = \"x\"\n[services.db]\nimage = \"x\"\n[gauntlet]\nunit = { run = \"x\" }\n[environments.production]\n";
    let tree =
        Tree::with(&["uvicorn"]).file("main.py", "from fastapi import FastAPI\n\napp = FastAPI()\n").file("nonevent.toml", text);
    let project = tree.project();
    let mut compared = 0;
    let mut table = String::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## `[").and_then(|rest| rest.split(']').next()) {
            table = heading
                .replace("environments.NAME", "environments.production")
                .replace("process.NAME", "process.worker")
                .replace("job.NAME", "job.daily")
                .replace("gauntlet.NAME", "gauntlet.unit")
                .replace("services.NAME", "services.db");
        }
        let cells: Vec<_> = line.split(" | ").collect();
        let [key, _, default, ..] = cells.as_slice() else { continue };
        // A default that is a value stands in backticks alone; one that depends on something is a sentence.
        let value = default
            .strip_prefix('`')
            .and_then(|rest| rest.strip_suffix('`'))
            .filter(|value| format!("x = {value}").parse::<toml_edit::DocumentMut>().is_ok());
        let (Some(key), Some(value)) = (key.strip_prefix("| `").and_then(|rest| rest.strip_suffix('`')), value) else { continue };
        let key = format!("{table}.{}", key.replace("process.NAME", "process.worker"));
        if project.explained.iter().any(|setting| setting.key == key) {
            assert_eq!(explained(&project, &key).split(" (").next(), Some(value), "{key}");
            compared += 1;
        }
    }
    assert!(compared >= 25, "only {compared} defaults were compared");
}
