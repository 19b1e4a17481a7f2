//! `.dockerignore`: patterns from the root of the tree, the last one that matches decides, and `!` brings back.
//!
//! The rules are Docker's (build context, `.dockerignore` file): unlike in `.gitignore`, a pattern without a slash names the root alone,
//! and `!` brings back what is below a folder that is left out.

use globset::{GlobBuilder, GlobMatcher};

use super::SourceError;

/// The patterns of a `.dockerignore` file.
#[derive(Debug, Default)]
pub(super) struct DockerIgnore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    matcher: GlobMatcher,
    effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    LeaveOut,
    BringBack,
}

impl DockerIgnore {
    pub(super) fn parse(text: &str) -> Result<Self, SourceError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
        let patterns = lines.filter_map(|line| parse_line(line).transpose()).collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    /// Tells whether a path is left out: it, or a folder above it, matches, and no later pattern brings it back.
    pub(super) fn leaves_out(&self, path: &str) -> bool {
        let mut left_out = false;
        for pattern in &self.patterns {
            if left_out != (pattern.effect == Effect::LeaveOut) && with_parents(path).any(|part| pattern.matcher.is_match(part)) {
                left_out = !left_out;
            }
        }
        left_out
    }

    /// Tells whether something below a folder that is left out may be brought back.
    pub(super) fn brings_back(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.effect == Effect::BringBack)
    }
}

fn parse_line(line: &str) -> Result<Option<Pattern>, SourceError> {
    let (effect, glob) = match line.strip_prefix('!') {
        Some(glob) => (Effect::BringBack, glob.trim()),
        None => (Effect::LeaveOut, line),
    };
    let parts: Vec<_> = glob.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let cleaned = parts.join("/").replace('{', "\\{").replace('}', "\\}");
    if cleaned.is_empty() {
        return Ok(None);
    }
    let matcher = GlobBuilder::new(&cleaned).literal_separator(true).backslash_escape(true).build();
    let matcher = matcher.map_err(|error| SourceError::Pattern {
        pattern: line.to_owned(),
        file: ".dockerignore".to_owned(),
        reason: error.kind().to_string(),
    })?;
    Ok(Some(Pattern { matcher: matcher.compile_matcher(), effect }))
}

/// The path itself and every folder above it.
fn with_parents(path: &str) -> impl Iterator<Item = &str> {
    let parents = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
    std::iter::once(path).chain(parents)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &str, left_out: &[&str], kept: &[&str]) {
        let ignore = DockerIgnore::parse(patterns).unwrap();
        for path in left_out {
            assert!(ignore.leaves_out(path), "{path} should be left out by {patterns:?}");
        }
        for path in kept {
            assert!(!ignore.leaves_out(path), "{path} should be kept by {patterns:?}");
        }
    }

    #[test]
    fn patterns_start_at_the_root() {
        check("tests\n/docs/\n# no\n\n", &["tests", "tests/a/b.py", "docs/x.md"], &["src/tests", "# no", "documents"]);
        check("**/*.log\n*.md", &["a.log", "x/y.log", "README.md"], &["docs/README.md", "a.logs"]);
        check("*/temp*", &["a/temporary", "a/temporary/x"], &["temp", "a/b/temp"]);
        check("file?.txt", &["file1.txt"], &["file.txt", "file12.txt"]);
        check("a/{b}", &["a/{b}"], &["a/b"]);
    }

    #[test]
    fn the_last_match_decides_and_may_bring_back() {
        check("*\n!src\n!pyproject.toml", &["tests/x", "README.md"], &["src/shop/a.py", "pyproject.toml"]);
        check("**\n!src/**", &["x.py"], &["src/shop/a.py"]);
        check("*.md\n!README.md\nREADME.md", &["README.md"], &[]);
        check("!a\na", &["a"], &[]);
    }

    #[test]
    fn a_broken_pattern_is_named() {
        let error = DockerIgnore::parse("src/[a").unwrap_err();
        assert!(error.to_string().starts_with("`src/[a` in .dockerignore is no pattern: "), "{error}");
    }
}
