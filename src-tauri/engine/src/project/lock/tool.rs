//! Running the tools that make locks: uv, Poetry, pip-compile. Never through a shell.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::LockError;

/// How many of a failed tool's last lines are kept.
const LAST_LINES: usize = 20;

/// One command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandLine {
    words: Vec<String>,
    purpose: &'static str,
}

impl CommandLine {
    /// Makes a command line; `purpose` is said when its program is not installed.
    pub(super) fn new(words: impl IntoIterator<Item = impl Into<String>>, purpose: &'static str) -> Self {
        Self { words: words.into_iter().map(Into::into).collect(), purpose }
    }

    /// Returns the program.
    pub(super) fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Returns it as a person would type it.
    pub(super) fn shown(&self) -> String {
        self.words.join(" ")
    }

    /// Runs it in a folder and returns its standard output.
    ///
    /// # Errors
    /// `LockError::ToolMissing` when there is no such program, `LockError::ToolFailed` with its last words.
    pub(super) async fn run(&self, folder: &Path, environment: impl FnOnce(&mut Command)) -> Result<String, LockError> {
        let mut command = Command::new(self.program());
        command.args(self.words.get(1..).unwrap_or_default());
        command.current_dir(folder).stdin(Stdio::null()).kill_on_drop(true).env("NO_COLOR", "1");
        crate::process::without_secrets(command.as_std_mut());
        environment(&mut command);
        let failed = |reason: String| LockError::ToolFailed { command: self.shown(), reason };
        let output = match command.output().await {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(LockError::ToolMissing { tool: self.program().to_owned(), purpose: self.purpose.to_owned() });
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        let words = [text(&output.stderr), text(&output.stdout)].join("\n");
        let lines: Vec<&str> = words.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
        Err(failed(if last.is_empty() { output.status.to_string() } else { last.join("\n") }))
    }
}
