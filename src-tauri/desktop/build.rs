//! Reads `tauri.conf.json` and the capabilities, and embeds the page.

use std::path::Path;

const PAGE: &str = "ui/dist/index.html";
const CAPABILITIES: &str = "src-tauri/desktop/capabilities";

fn main() {
    // A pattern of our own is not watched by Tauri.
    println!("cargo::rerun-if-changed={CAPABILITIES}");
    println!("cargo::rerun-if-changed={PAGE}");
    // Without the page Tauri would fail in a macro, without a word about how to make it. The development server brings its own.
    if std::env::var_os("CARGO_FEATURE_CUSTOM_PROTOCOL").is_some() && !Path::new(PAGE).exists() {
        println!("cargo::error=the window's page is not built: there is no {PAGE}; run `scripts/build-ui`");
        std::process::exit(1);
    }
    let attributes = tauri_build::Attributes::new().capabilities_path_pattern("src-tauri/desktop/capabilities/*.json");
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
        std::process::exit(1);
    }
}
