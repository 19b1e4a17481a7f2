//! Words that several causes share.

use super::case::Case;
use super::traceback::Link;

/// Longest line of evidence; what is longer was written for machines.
const LONGEST: usize = 300;

/// Writes bytes as people do.
pub(super) fn megabytes(bytes: u64) -> String {
    let whole = bytes >> 20;
    if whole >= 1024 && whole.is_multiple_of(1024) { format!("{} GiB", whole >> 10) } else { format!("{whole} MiB") }
}

/// Shortens a line.
pub(super) fn brief(line: &str) -> String {
    let line = line.trim_end();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}

/// Writes names one after the other.
pub(super) fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Returns the lines that show an exception: where it is the project's, and what it says.
pub(super) fn shown(case: &Case<'_>, link: &Link) -> Vec<String> {
    let mut lines = Vec::new();
    let own = link.frames.iter().rev().find(|frame| case.own_file(&frame.file).is_some());
    if let Some(frame) = own.or_else(|| link.frames.last()) {
        let file = case.own_file(&frame.file).unwrap_or_else(|| frame.file.clone());
        let function = frame.function.as_ref().map(|function| format!(", in {function}")).unwrap_or_default();
        lines.push(format!("{file}, line {}{function}", frame.line));
    }
    lines.push(brief(&link.told()));
    lines
}
