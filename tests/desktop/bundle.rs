//! What the packages tell a desktop.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const METAINFO: &str = "src-tauri/desktop/bundle/dev.nonevent.desktop.metainfo.xml";
const ENTRY: &str = "src-tauri/desktop/bundle/nonevent.desktop";

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn addresses_of_screens_are_opened_by_the_window() {
    let configuration: Value = serde_json::from_str(&read("tauri.conf.json")).unwrap();
    assert_eq!(configuration["plugins"]["deep-link"]["desktop"]["schemes"], serde_json::json!(["nonevent"]));
    let entry = read(ENTRY);
    assert!(entry.contains("MimeType=x-scheme-handler/nonevent;\n") && entry.contains("Exec={{exec}} %u\n"), "{entry}");
    for package in ["deb", "rpm"] {
        let package = &configuration["bundle"]["linux"][package];
        assert_eq!(package["desktopTemplate"], ENTRY);
        assert_eq!(package["files"]["/usr/share/metainfo/dev.nonevent.desktop.metainfo.xml"], METAINFO);
        assert!(package["files"]["/usr/bin/nonevent"].is_string(), "the command line is inside: {package}");
    }
}

#[test]
fn the_metadata_names_this_version_and_is_valid() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(METAINFO);
    assert!(read(METAINFO).contains(&format!("<release version=\"{}\"", env!("CARGO_PKG_VERSION"))));
    let validated = Command::new("appstreamcli").args(["validate", "--no-net"]).arg(file).output();
    let validated = validated.expect("appstreamcli runs: `scripts/bootstrap test` installs it");
    assert!(validated.status.success(), "{}", String::from_utf8_lossy(&validated.stdout));
}
