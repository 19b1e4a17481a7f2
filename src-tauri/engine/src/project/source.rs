//! The state of the source, asked of the `git` program.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::model::{Commit, Commits, SourceState};

/// Variables by which a Git hook would point at another repository or index.
const AMBIENT: [&str; 6] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// Returns commit, branch and whether files of the folder differ from the commit.
///
/// Files that Git does not track, and does not ignore either, count as different. Without Git, outside a repository, before the
/// first commit, and in a folder that its repository ignores, there is no commit and the source counts as dirty.
pub fn source_state(root: &Path) -> SourceState {
    let unknown = SourceState { commit: None, branch: None, dirty: true };
    let status = git(root, &["status", "--porcelain=v2", "--branch", "--untracked-files=normal", "-z", "--", "."]);
    let Some(status) = status.filter(|output| output.status.success()) else { return unknown };
    if git(root, &["check-ignore", "--quiet", "."]).is_none_or(|output| output.status.success()) {
        return unknown;
    }
    let mut state = SourceState::default();
    for record in status.stdout.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        let text = String::from_utf8_lossy(record);
        match (text.strip_prefix("# branch.oid "), text.strip_prefix("# branch.head ")) {
            (Some("(initial)"), _) => state.dirty = true,
            (Some(commit), _) => state.commit = Some(commit.to_owned()),
            (_, Some("(detached)")) => {}
            (_, Some(branch)) => state.branch = Some(branch.to_owned()),
            _ if text.starts_with("# ") => {}
            _ => state.dirty = true,
        }
    }
    state
}

fn git(root: &Path, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("git");
    command.current_dir(root).stdin(Stdio::null()).stderr(Stdio::null());
    // Asking must not write to the repository, nor run a program that its configuration names.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").args(["-c", "core.fsmonitor=false"]);
    crate::process::without_secrets(&mut command);
    for variable in AMBIENT {
        command.env_remove(variable);
    }
    command.args(arguments).output().ok()
}

/// Commits that are told at most, in each direction.
const MOST_COMMITS: &str = "--max-count=200";

/// Returns the commits between two, as far as they touch the folder; none when the repository does not have them.
pub fn commits_between(root: &Path, from: &str, to: &str) -> Option<Commits> {
    let listed = |range: String| -> Option<Vec<Commit>> {
        let format = "--format=%H%x1f%s%x1f%an%x1f%aI";
        let output = git(root, &["log", MOST_COMMITS, format, &range, "--", "."]).filter(|output| output.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Some(text.lines().filter_map(commit).collect())
    };
    Some(Commits { added: listed(format!("{from}..{to}"))?, taken_back: listed(format!("{to}..{from}"))?, unknown: None })
}

fn commit(line: &str) -> Option<Commit> {
    let mut fields = line.split('\u{1f}').map(str::to_owned);
    Some(Commit { id: fields.next()?, subject: fields.next()?, author: fields.next()?, at: fields.next()? })
}
