//! An app whose health can be taken away from outside.

use std::path::Path;
use std::process::Command;

const WATCHED: &str = r#"
[health]
path = "/healthz"
watch_interval = "500ms"
timeout = "5s"
fall = "2 of 3"

[notify]
NOTIFY

[gauntlet]
lint = false
format = false
types = false

[environments.local.probes.app]
path = "/healthz"
json = "$.status"
equals = "ok"
"#;

/// Health that can be taken away from outside.
pub fn make_fragile(folder: &Path, notify: &str) {
    std::fs::write(folder.join("nonevent.toml"), WATCHED.replace("NOTIFY", notify)).unwrap();
    let file = folder.join("slugs/app.py");
    let text = std::fs::read_to_string(&file).unwrap();
    let sick = "    import os\n\n    if os.path.exists(\"/tmp/sick\"):\n        return jsonify(status=\"dry\"), 500\n    return jsonify(status=\"ok\")";
    std::fs::write(file, text.replace("    return jsonify(status=\"ok\")", sick)).unwrap();
}

/// Runs a command in every web instance of a project.
pub fn in_instances(project: &str, command: &[&str]) {
    let label = format!("label=dev.nonevent.project={project}");
    let listed =
        Command::new("docker").args(["ps", "--quiet", "--filter", &label, "--filter", "label=dev.nonevent.role=web"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(!listed.trim().is_empty(), "no instance of {project} runs");
    for id in listed.lines() {
        let done = Command::new("docker").args(["exec", id]).args(command).status().unwrap();
        assert!(done.success(), "{command:?} in {id}");
    }
}
