//! Making a lock anew: by the tool that the project shows, with the options that it was made with before.

use std::path::Path;

use super::error::LockError;
use super::manifest::Manifest;
use super::requirements::{self, Requirements};
use super::tool::CommandLine;
use super::{LockFile, file, shows_poetry, uv};
use crate::model::{LockFinding, LockKind, LockSituation};

const PURPOSE: &str = "making the lock";

/// What a project is locked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    Uv,
    Poetry,
    Compile,
}

/// Makes the lock of a project anew, or for the first time, and tells in words what was done.
///
/// # Errors
/// `LockError::NothingToLock` when the project asks for nothing, `LockError::ToolMissing` and `LockError::ToolFailed` from the
/// tool, `LockError::Unreadable` for a `pylock.toml` of a tool that is not known.
pub async fn mend(root: &Path, lock: Option<&LockFile>) -> Result<Vec<String>, LockError> {
    let maker = match lock.map(LockFile::kind) {
        Some(LockKind::Uv) => Maker::Uv,
        Some(LockKind::Poetry) => Maker::Poetry,
        Some(LockKind::Requirements) => Maker::Compile,
        Some(LockKind::Pylock) => return pylock(root).await,
        None => maker(root)?.ok_or_else(|| LockError::NothingToLock { root: root.to_path_buf() })?,
    };
    match maker {
        Maker::Uv => {
            let folder = uv::lock_root(root)?;
            done(&CommandLine::new(["uv", "lock"], PURPOSE), &folder).await
        }
        Maker::Poetry => match done(&CommandLine::new(["poetry", "lock"], PURPOSE), root).await {
            // uv can run a Poetry that is not installed.
            Err(missing @ LockError::ToolMissing { .. }) => {
                match done(&CommandLine::new(["uv", "tool", "run", "poetry", "lock"], PURPOSE), root).await {
                    Err(LockError::ToolMissing { .. }) => Err(missing),
                    other => other,
                }
            }
            other => other,
        },
        Maker::Compile => compile(root).await,
    }
}

/// Tells that a project has no lock, with the command that makes one.
pub fn missing(root: &Path) -> LockFinding {
    let hint = match maker(root) {
        Ok(Some(Maker::Uv)) => "run `uv lock`".to_owned(),
        Ok(Some(Maker::Poetry)) => "run `poetry lock`".to_owned(),
        Ok(Some(Maker::Compile)) => {
            let source = "requirements.in";
            format!("run `uv pip compile {source} --generate-hashes -o {}`", requirements::MAIN)
        }
        Ok(None) => "write the dependencies into pyproject.toml, then run `uv lock`".to_owned(),
        Err(error) => error.to_string(),
    };
    LockFinding { situation: LockSituation::Missing, message: "the project has no lock".into(), hint }
}

fn maker(root: &Path) -> Result<Option<Maker>, LockError> {
    let manifest = Manifest::read(root)?;
    let has_sheet = requirements::source_of(root, requirements::MAIN).is_some() || root.join(requirements::MAIN).is_file();
    Ok(match manifest {
        Some(manifest) if uv::shows_uv(&manifest) => Some(Maker::Uv),
        Some(manifest) if shows_poetry(&manifest) => Some(Maker::Poetry),
        _ if has_sheet => Some(Maker::Compile),
        Some(manifest) if manifest.project().is_some() => Some(Maker::Uv),
        _ => None,
    })
}

async fn done(command: &CommandLine, folder: &Path) -> Result<Vec<String>, LockError> {
    command.run(folder, |_| {}).await?;
    Ok(vec![format!("ran `{}` in {}", command.shown(), folder.display())])
}

/// Compiles `requirements.txt` and its development files, each from its source.
async fn compile(root: &Path) -> Result<Vec<String>, LockError> {
    let mut words = Vec::new();
    for name in Requirements::names(root) {
        if requirements::compile_command(root, &name)?.is_none() {
            words.push(keep_as_source(root, &name)?);
        }
        let Some(plain) = requirements::compile_command(root, &name)? else { continue };
        let plain = CommandLine::new(plain, PURPOSE);
        let text = file::read_text(&root.join(&name))?.unwrap_or_default();
        let ran = match recorded_command(&text, &name) {
            // The tool of that day may be gone.
            Some(before) => match done(&before, root).await {
                Err(LockError::ToolMissing { .. }) if before.program() != "uv" => done(&plain, root).await,
                other => other,
            },
            None => done(&plain, root).await,
        };
        words.extend(ran?);
    }
    Ok(words)
}

/// A list without a source becomes its own: what a person edits from now on is the `.in` file.
fn keep_as_source(root: &Path, name: &str) -> Result<String, LockError> {
    let source = Path::new(name).with_extension("in").display().to_string();
    let text = file::read_text(&root.join(name))?.unwrap_or_default();
    file::write_text(&root.join(&source), &text)?;
    Ok(format!("copied {name} to {source}, which is the list to edit from now on"))
}

async fn pylock(root: &Path) -> Result<Vec<String>, LockError> {
    let name = "pylock.toml";
    let text = file::read_text(&root.join(name))?.unwrap_or_default();
    match recorded_command(&text, name) {
        Some(command) => done(&command, root).await,
        None => Err(LockError::Unreadable {
            file: name.into(),
            reason: "it does not say which command made it".into(),
            hint: "make it again with the tool that wrote it".into(),
        }),
    }
}

/// Reads the command that a compiled file begins with, when it is one of uv's or pip-compile's.
fn recorded_command(text: &str, name: &str) -> Option<CommandLine> {
    let comments = text.lines().take_while(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let known = ["uv pip compile ", "uv export ", "pip-compile "];
    let line = comments.into_iter().find(|line| known.iter().any(|start| line.starts_with(start)))?;
    // Quoted words would need a shell to be taken apart.
    if line.contains(['\'', '"', '\\', '$', '`']) {
        return None;
    }
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let has = |words: &[String], names: [&str; 2]| {
        words.iter().any(|word| names.iter().any(|name| word == name || word.starts_with(&format!("{name}="))))
    };
    if name.ends_with(".txt") && !has(&words, ["--generate-hashes", "--hashes"]) && !line.starts_with("uv export") {
        words.push("--generate-hashes".into());
    }
    if !has(&words, ["-o", "--output-file"]) {
        words.extend(["-o".into(), name.to_owned()]);
    }
    Some(CommandLine::new(words, PURPOSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_made_a_file_is_used_again() {
        let check = |text: &str, expected: Option<&str>| {
            let command = recorded_command(text, "requirements.txt").map(|command| command.shown());
            assert_eq!(command.as_deref(), expected);
        };
        check(
            "# This file was autogenerated by uv via the following command:\n#    uv pip compile a.in --universal -o requirements.txt\nb==1\n",
            Some("uv pip compile a.in --universal -o requirements.txt --generate-hashes"),
        );
        check(
            "#\n# by the following command:\n#\n#    pip-compile --generate-hashes requirements.in\n#\n",
            Some("pip-compile --generate-hashes requirements.in -o requirements.txt"),
        );
        check("#    make lock\n", None);
        check("#    uv pip compile 'a b.in'\n", None);
        check("a==1\n#    uv pip compile a.in\n", None);
    }
}
