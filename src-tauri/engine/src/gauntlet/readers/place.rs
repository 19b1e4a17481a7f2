//! Finds where a failure happened in the text that pytest, or Python itself, prints of it.

use std::sync::LazyLock;

use regex::Regex;

use super::Paths;

/// A place as pytest writes it, and as Python's own tracebacks do.
static SHORT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?m)^(\S[^:\n]*\.py):(\d+):(?: |$)").ok());
static NATIVE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(?m)^\s*File "([^"]+)", line (\d+)"#).ok());

/// Finds the innermost place that lies in the project.
pub(super) fn innermost(text: &str, paths: &Paths) -> Option<(String, u32)> {
    let found = SHORT.iter().chain(NATIVE.iter()).flat_map(|pattern| pattern.captures_iter(text));
    let places = found.filter_map(|parts| {
        let start = parts.get(0)?.start();
        let file = paths.in_project(parts.get(1)?.as_str());
        let own = !file.starts_with(['/', '<']) && !file.starts_with("..") && !file.contains("site-packages");
        own.then_some((start, file, parts.get(2)?.as_str().parse().ok()?))
    });
    places.max_by_key(|(start, ..)| *start).map(|(_, file, line)| (file, line))
}

/// What was raised, as pytest marks it.
pub(super) fn raised(text: &str) -> Option<&str> {
    text.lines().rev().find_map(|line| line.strip_prefix("E   ")).map(str::trim)
}
