//! What a person set about the window itself, and where its page was: kept in `window.json` beside the state, so that it is there at the
//! next start.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nonevent_engine::EngineError;
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::editor::Editor;

const FILE: &str = "window.json";

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// What a person set.
    #[serde(flatten)]
    pub preferences: Preferences,
    /// Where the page was when the last window was closed: the part after `#` of its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Kept {
    /// Reads it; what is not there, or cannot be understood, is as at the first start.
    pub fn read(folder: &Path) -> Self {
        read(folder).unwrap_or_default()
    }
}

/// The settings of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(default)]
pub struct Preferences {
    /// Light or dark.
    pub theme: Theme,
    /// Which editor shows a file; none: the first that is found.
    pub editor: Option<Editor>,
    /// What becomes of the watch when the window is closed; none: it is asked.
    pub closing: Option<Closing>,
}

/// What becomes of the watch when the window is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// The process goes on without a window.
    Keep,
    /// It ends, after the runs that go on in it.
    Quit,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Preferences {
    /// Reads them; what is not there, or cannot be understood, is as at the first start.
    pub fn read(folder: &Path) -> Self {
        Kept::read(folder).preferences
    }

    /// Keeps them, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn keep(self, folder: &Path) -> Result<(), EngineError> {
        let place = file(folder);
        keep(folder, &Kept { preferences: self, ..read(folder).unwrap_or_default() }).map_err(|error| {
            EngineError::user(
                "not_kept",
                format!("the setting holds until the window is closed: {} cannot be written", place.display()),
            )
            .with_cause(error.to_string())
            .with_hint("make the folder writable, or point NONEVENT_HOME at another one")
        })
    }
}

/// Keeps where the page is, unless what is kept beside it cannot be understood: nobody asked for that to be written anew.
pub fn keep_place(folder: &Path, place: Option<String>) {
    let Some(kept) = read(folder) else { return };
    if kept.place == place {
        return;
    }
    if let Err(error) = keep(folder, &Kept { place, ..kept }) {
        tracing::warn!(%error, "where the window's page is was not kept");
    }
}

/// None: something is there, and cannot be read or understood.
fn read(folder: &Path) -> Option<Kept> {
    let text = match std::fs::read(file(folder)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(Kept::default()),
        Err(error) => {
            tracing::warn!(%error, "the window's settings were not read");
            return None;
        }
    };
    serde_json::from_slice(&text).inspect_err(|error| tracing::warn!(%error, "the window's settings were not understood")).ok()
}

/// Whole or not at all.
fn keep(folder: &Path, kept: &Kept) -> std::io::Result<()> {
    let place = file(folder);
    let fresh = place.with_extension("json.new");
    std::fs::create_dir_all(folder)?;
    std::fs::write(&fresh, serde_json::to_vec_pretty(kept)?)?;
    std::fs::rename(&fresh, &place)
}

fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn they_are_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Preferences::read(folder.path()), Preferences::default());
        let chosen = Preferences { theme: Theme::Dark, editor: Some(Editor::Zed), closing: Some(Closing::Keep) };
        chosen.keep(&folder.path().join("new")).unwrap();
        assert_eq!(Preferences::read(&folder.path().join("new")), chosen);
    }

    #[test]
    fn what_a_later_version_wrote_outlives_a_window_that_does_not_understand_it() {
        let folder = tempfile::tempdir().unwrap();
        let later = r#"{"theme": "sepia"}"#;
        std::fs::write(file(folder.path()), later).unwrap();
        keep_place(folder.path(), Some("/projects".into()));
        assert_eq!(std::fs::read_to_string(file(folder.path())).unwrap(), later);
        assert_eq!((Preferences::read(folder.path()), Kept::read(folder.path()).place), (Preferences::default(), None));
    }

    #[test]
    fn where_the_page_was_and_what_was_set_are_kept_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Kept::read(folder.path()).place, None);
        keep_place(folder.path(), Some("/projects/shop/logs/local?q=level%3E%3Derror".into()));
        Preferences { theme: Theme::Light, ..Preferences::default() }.keep(folder.path()).unwrap();
        assert_eq!(Kept::read(folder.path()).place.unwrap(), "/projects/shop/logs/local?q=level%3E%3Derror");
        keep_place(folder.path(), None);
        assert_eq!(Kept::read(folder.path()).place, None);
        assert_eq!(Preferences::read(folder.path()).theme, Theme::Light);
    }

    #[test]
    fn what_is_not_understood_is_as_at_the_first_start() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{", "{\"theme\":\"pink\"}"] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(Preferences::read(folder.path()), Preferences::default(), "{text}");
        }
        std::fs::write(folder.path().join(FILE), "{\"theme\":\"dark\",\"of_a_later_version\":1}").unwrap();
        assert_eq!(Preferences::read(folder.path()).theme, Theme::Dark);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("file");
        std::fs::write(&taken, "").unwrap();
        assert_eq!(Preferences::default().keep(&taken).unwrap_err().problem.code, "not_kept");
    }
}
