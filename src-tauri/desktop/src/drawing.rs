//! How the web view draws where there is no graphics card.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// By which WebKitGTK draws a page as one picture instead of layers.
const VARIABLE: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";
/// Where Linux lists what can draw.
const CARDS: &str = "/dev/dri";

/// Starts this program anew, in this process, so that its web view draws without layers where no card puts them together: the processor
/// would, for a ninth of the frames. Nothing is done where there is a card, or where a person set the variable.
pub fn suit_machine() {
    if std::env::var_os(VARIABLE).is_some() || has_card(Path::new(CARDS)) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    // Comes back only when it did not work: then the window is as slow as it would have been.
    let error = Command::new(program).args(std::env::args_os().skip(1)).env(VARIABLE, "1").exec();
    tracing::debug!(%error, "the web view draws by layers");
}

fn has_card(cards: &Path) -> bool {
    let listed = std::fs::read_dir(cards).into_iter().flatten().flatten();
    listed.into_iter().any(|card| card.file_name().to_string_lossy().starts_with("renderD"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_card_is_what_can_draw_and_not_what_can_only_show() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_card(&folder.path().join("gone")));
        std::fs::write(folder.path().join("card0"), "").unwrap();
        assert!(!has_card(folder.path()));
        std::fs::write(folder.path().join("renderD128"), "").unwrap();
        assert!(has_card(folder.path()));
    }
}
