//! An app whose health can be taken away from outside.

use std::path::Path;

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
