//! How the page is drawn where no graphics card is: by the processor alone, and then without layers that a card would put together. A change
//! took ten times as long with them (`scripts/bench window`).

use tauri::WebviewWindow;

/// Has the page of a window drawn in the way that suits this machine.
#[cfg(target_os = "linux")]
pub fn suit(window: &WebviewWindow) {
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};

    if has_card("/dev/dri".as_ref()) && std::env::var_os("LIBGL_ALWAYS_SOFTWARE").is_none() {
        return;
    }
    let done = window.with_webview(|view| {
        if let Some(settings) = view.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    });
    if let Err(error) = done {
        tracing::debug!(%error, "the page is drawn as it was to be drawn");
    }
}

/// Elsewhere the system chooses.
#[cfg(not(target_os = "linux"))]
pub fn suit(_: &WebviewWindow) {}

#[cfg(target_os = "linux")]
fn has_card(devices: &std::path::Path) -> bool {
    let entries = std::fs::read_dir(devices).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_card_is_one_that_draws() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_card(&folder.path().join("nowhere")));
        std::fs::write(folder.path().join("card0"), "").unwrap();
        assert!(!has_card(folder.path()));
        std::fs::write(folder.path().join("renderD128"), "").unwrap();
        assert!(has_card(folder.path()));
    }
}
