//! Shows a line of a file in a person's editor. The page names an editor of this list, never a command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use nonevent_engine::{EngineError, process};
use serde::{Deserialize, Serialize};
use specta::Type;

/// Editors that can be told a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Editor {
    /// Visual Studio Code.
    Code,
    /// VSCodium.
    Codium,
    /// Cursor.
    Cursor,
    /// Zed.
    Zed,
    /// PyCharm.
    Pycharm,
    /// IntelliJ IDEA.
    Idea,
    /// Sublime Text.
    Sublime,
    /// Kate.
    Kate,
    /// Emacs, by its client.
    Emacs,
}

impl Editor {
    /// Every one, in the order in which they are looked for.
    pub const ALL: [Self; 9] =
        [Self::Code, Self::Cursor, Self::Zed, Self::Pycharm, Self::Codium, Self::Idea, Self::Sublime, Self::Kate, Self::Emacs];

    /// What it is called on the command line.
    fn program(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Codium => "codium",
            Self::Cursor => "cursor",
            Self::Zed => "zed",
            Self::Pycharm => "pycharm",
            Self::Idea => "idea",
            Self::Sublime => "subl",
            Self::Kate => "kate",
            Self::Emacs => "emacsclient",
        }
    }

    fn arguments(self, file: &Path, line: u32) -> Vec<OsString> {
        let mut place = file.as_os_str().to_owned();
        place.push(format!(":{line}"));
        let number = line.to_string();
        match self {
            Self::Code | Self::Codium | Self::Cursor => vec!["--goto".into(), place],
            Self::Zed | Self::Sublime => vec![place],
            Self::Pycharm | Self::Idea | Self::Kate => vec!["--line".into(), number.into(), file.into()],
            Self::Emacs => vec!["--no-wait".into(), format!("+{number}").into(), file.into()],
        }
    }
}

/// Returns the editors of the list that this laptop has.
pub fn installed() -> Vec<Editor> {
    Editor::ALL.into_iter().filter(|editor| found(editor.program()).is_some()).collect()
}

/// Shows a file at a line.
///
/// # Errors
/// When no editor is found or it does not start.
pub fn show(chosen: Option<Editor>, file: &Path, line: u32) -> Result<(), EngineError> {
    let editor = chosen.or_else(|| installed().into_iter().next()).ok_or_else(|| {
        EngineError::user("no_editor", "no editor that can be told a line was found on this laptop")
            .with_hint("copy the place, or put your editor’s command on the PATH: for instance `code`, `zed`, `pycharm`")
    })?;
    let program = found(editor.program()).ok_or_else(|| {
        EngineError::user("no_editor", format!("`{}` is not on the PATH", editor.program()))
            .with_hint("choose another editor in Settings")
    })?;
    let mut command = Command::new(program);
    command.args(editor.arguments(file, line));
    process::start_apart(command).map(process::see_off).map_err(|error| {
        EngineError::user("no_editor", format!("`{}` does not start: {error}", editor.program()))
            .with_hint("choose another editor in Settings")
    })
}

fn found(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_file_and_line_in_its_own_way() {
        let words = |editor: Editor| {
            let arguments = editor.arguments(Path::new("/shop/app.py"), 7);
            arguments.iter().map(|one| one.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(Editor::Code), "--goto /shop/app.py:7");
        assert_eq!(words(Editor::Zed), "/shop/app.py:7");
        assert_eq!(words(Editor::Pycharm), "--line 7 /shop/app.py");
        assert_eq!(words(Editor::Emacs), "--no-wait +7 /shop/app.py");
    }

    #[test]
    fn the_list_names_each_once() {
        for (place, editor) in Editor::ALL.iter().enumerate() {
            assert!(!Editor::ALL.iter().skip(place + 1).any(|other| other == editor));
        }
    }
}
