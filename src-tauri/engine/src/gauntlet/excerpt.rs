//! Adds the code around findings and failures, read from the image that the gate ran in: the laptop's file may have changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Hall;
use super::container::labels;
use super::judge::Reading;
use crate::docker::once;
use crate::model::{Excerpt, TestOutcome};

/// Findings, failures and files of one gate that are looked up.
const FIRST: usize = 50;
const FILES: usize = 30;

/// Lines above and below.
const AROUND: u32 = 2;

/// Bytes of a file that is worth an excerpt, and characters of a line that are shown.
const LARGEST: u64 = 2 * 1024 * 1024;
const WIDEST: usize = 240;

/// Adds excerpts to the first findings, and to failures whose text shows no code.
pub(super) async fn add(hall: &Hall<'_>, reading: &mut Reading) {
    let found = reading.findings.iter().take(FIRST).map(|finding| (Some(&finding.file), finding.line));
    let failures = reading.tests.iter().flat_map(|tests| &tests.failures).filter(|failure| !shows_code(failure)).take(FIRST);
    let failed = failures.map(|failure| (failure.file.as_ref(), failure.line));
    let wanted: BTreeSet<String> = found
        .chain(failed)
        .filter_map(|(file, line)| file.filter(|file| line.is_some() && is_own(file)))
        .take(FIRST * 2)
        .cloned()
        .collect();
    let files = read(hall, wanted.into_iter().take(FILES).collect()).await;
    let excerpt = |file: &str, line: Option<u32>| around(files.get(file)?, line?);
    for finding in reading.findings.iter_mut().take(FIRST) {
        finding.excerpt = excerpt(&finding.file, finding.line);
    }
    let failures = reading.tests.iter_mut().flat_map(|tests| &mut tests.failures);
    for failure in failures.filter(|failure| !shows_code(failure)).take(FIRST) {
        failure.excerpt = failure.file.as_deref().and_then(|file| excerpt(file, failure.line));
    }
}

/// pytest marks the line that failed, or shows it below its place, unless it was told to keep failures to a line.
fn shows_code(failure: &TestOutcome) -> bool {
    failure.text.lines().any(|line| line.starts_with("> ") || (line.contains(".py:") && line.contains(": in ")))
}

fn is_own(file: &str) -> bool {
    !file.starts_with(['/', '<']) && !file.starts_with("..")
}

async fn read(hall: &Hall<'_>, files: Vec<String>) -> BTreeMap<String, Vec<u8>> {
    if files.is_empty() || hall.stop.is_cancelled() {
        return BTreeMap::new();
    }
    let plan = hall.plan;
    let mut spec = plan.image.once("excerpt", vec!["true".to_owned()]);
    spec.labels = labels(plan, "gate");
    let paths = files.iter().map(|file| Path::new(&plan.image.workdir).join(file)).collect::<Vec<_>>();
    match once::read_files(hall.docker, &spec, &paths, LARGEST).await {
        Ok(contents) => files.into_iter().zip(contents).filter_map(|(file, content)| Some((file, content?))).collect(),
        Err(error) => {
            tracing::warn!(%error, "the code around findings could not be read");
            BTreeMap::new()
        }
    }
}

/// Returns the lines around one; none when the file has no such line, or holds no text.
fn around(content: &[u8], line: u32) -> Option<Excerpt> {
    let text = String::from_utf8_lossy(content);
    let first = line.checked_sub(1)?.saturating_sub(AROUND);
    let lines: Vec<String> = text
        .lines()
        .skip(first as usize)
        .take((line - first + AROUND) as usize)
        .map(|line| line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).take(WIDEST).collect())
        .collect();
    (lines.len() > (line - 1 - first) as usize && !content.contains(&0)).then_some(Excerpt { first: first + 1, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_around_are_taken_where_there_are_any() {
        let code = b"one\ntwo\nthree\nfour\nfive\nsix\n";
        let excerpt = |line| around(code, line).map(|excerpt| (excerpt.first, excerpt.lines.join(" ")));
        assert_eq!(excerpt(1), Some((1, "one two three".into())));
        assert_eq!(excerpt(4), Some((2, "two three four five six".into())));
        assert_eq!(excerpt(6), Some((4, "four five six".into())));
        assert_eq!(excerpt(7), None);
        assert_eq!(excerpt(0), None);
        assert_eq!(excerpt(u32::MAX), None);
        assert_eq!(around(b"", 1), None);
        assert_eq!(around(b"a\0b\n", 1), None, "no text");
        let hostile = around(b"\xff\x1b[31mred\n", 1).expect("excerpt");
        assert_eq!(hostile.lines, ["\u{fffd}\u{fffd}[31mred"], "what a terminal would obey is not shown");
        assert_eq!(around("é".repeat(1000).as_bytes(), 1).expect("excerpt").lines[0].chars().count(), WIDEST);
    }
}
