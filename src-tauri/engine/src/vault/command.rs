//! Commands that print a secret's value, such as `op read …`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use zeroize::Zeroizing;

use super::error::VaultError;
use crate::mask::Secret;
use crate::process;

/// Time that a command has: a person may have to touch a key.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a command in a folder, without a shell, and returns what it printed, without its last line end.
///
/// # Errors
/// When it cannot be run, fails, takes too long, or prints nothing.
pub async fn run(name: &str, command: &str, folder: &Path) -> Result<Secret, VaultError> {
    let words = shlex::split(command).filter(|words| !words.is_empty());
    let program = words.as_ref().and_then(|words| words.first()).cloned().unwrap_or_default();
    let failed = |reason: String| VaultError::Command { name: name.to_owned(), program: program.clone(), reason };
    let words = words.ok_or_else(|| failed("its quotes do not match, or it is empty".to_owned()))?;
    let mut child = tokio::process::Command::new(&program);
    child.args(words.iter().skip(1)).current_dir(folder).stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
    process::without_secrets(child.as_std_mut());
    let child = child.kill_on_drop(true).spawn().map_err(|error| failed(error.to_string()))?;
    let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
    let output = ended.map_err(|_| failed(format!("it did not end within {} s", LIMIT.as_secs())))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(failed(format!("{}{}{}", output.status, if last.is_empty() { "" } else { ": " }, last.trim())));
    }
    let value = std::str::from_utf8(&printed).map_err(|_| failed("what it printed is no text".to_owned()))?;
    let value = value.strip_suffix('\n').unwrap_or(value);
    let value = value.strip_suffix('\r').unwrap_or(value);
    match value.is_empty() {
        true => Err(failed("it printed nothing".to_owned())),
        false => Ok(Secret::new(value)),
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_command_gives_its_output_and_its_failure_tells_no_value() {
        let folder = tempfile::tempdir().unwrap();
        let value = run("TOKEN", "printf 'made-up value\\n'", folder.path()).await.unwrap();
        assert_eq!(value.reveal(), "made-up value");
        for (command, reason) in [
            ("sh -c 'echo made-up; echo not signed in >&2; exit 3'", "exit status: 3: not signed in"),
            ("true", "it printed nothing"),
            ("no-such-program-of-secrets read", "No such file"),
            ("echo 'open", "quotes"),
        ] {
            let error = run("TOKEN", command, folder.path()).await.unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("made-up"), "{error}");
        }
    }
}
