//! The page is given no more than it needs: read from the configuration that is compiled into the window.

use std::path::Path;

use serde_json::Value;

fn read(file: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn the_page_may_only_listen_beside_our_own_commands() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src-tauri/desktop/capabilities");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["window.json"]);

    let capability = read("src-tauri/desktop/capabilities/window.json");
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    assert_eq!(capability["permissions"], serde_json::json!(["core:event:allow-listen", "core:event:allow-unlisten"]));
    assert!(capability.get("remote").is_none(), "no content from elsewhere may ask anything");
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let configuration = read("tauri.conf.json");
    let policy = configuration["app"]["security"]["csp"].as_object().unwrap();
    assert_eq!(policy["default-src"], "'none'");
    for (directive, sources) in policy {
        for source in sources.as_str().unwrap().split_whitespace() {
            let local = ["'none'", "'self'", "ipc:", "http://ipc.localhost"].contains(&source);
            assert!(local, "`{directive}` allows {source}");
        }
    }
}
