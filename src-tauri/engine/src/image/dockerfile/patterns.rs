//! Patterns of `.dockerignore`, as the Docker engine matches them.
//!
//! The rules are those of Go's `filepath.Match` with `**`, `!` for exceptions, the last match deciding, and a match of a folder
//! counting for everything in it (Docker documentation, ".dockerignore files").

use regex::Regex;

/// A list of patterns in order.
#[derive(Debug, Default)]
pub(super) struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    /// The leading components without wildcards.
    literal: Vec<String>,
    exception: bool,
}

impl Patterns {
    /// Reads patterns, one each; what is no pattern is left out, as it matches nothing.
    pub(super) fn new<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self(lines.into_iter().filter_map(Pattern::new).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether a path, with `/` between its components, is matched.
    pub(super) fn matches(&self, path: &str) -> bool {
        let mut matched = false;
        for pattern in &self.0 {
            if matched == pattern.exception && pattern.matches_path_or_parent(path) {
                matched = !pattern.exception;
            }
        }
        matched
    }

    /// Tells whether something below a folder may be matched by a plain pattern.
    pub(super) fn may_match_below(&self, folder: &str) -> bool {
        self.0.iter().any(|pattern| !pattern.exception && pattern.reaches_below(folder))
    }

    /// Tells whether something below a folder may be excepted.
    pub(super) fn may_except_below(&self, folder: &str) -> bool {
        self.0.iter().any(|pattern| pattern.exception && pattern.reaches_below(folder))
    }
}

impl Pattern {
    fn new(line: &str) -> Option<Self> {
        let line = line.trim();
        let (exception, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, line),
        };
        let clean = clean(line);
        if clean.is_empty() {
            return None;
        }
        let wild = |component: &&str| component.contains(['*', '?', '[', '\\']);
        let literal = clean.split('/').take_while(|component| !wild(component)).map(str::to_owned).collect();
        Some(Self { regex: Regex::new(&regex(&clean)).ok()?, literal, exception })
    }

    fn matches_path_or_parent(&self, path: &str) -> bool {
        let parents = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        self.regex.is_match(path) || parents.into_iter().any(|parent| self.regex.is_match(parent))
    }

    fn reaches_below(&self, folder: &str) -> bool {
        self.literal.iter().map(String::as_str).zip(folder.split('/')).all(|(ours, theirs)| ours == theirs)
    }
}

/// Removes `.`, empty components and the leading slash, and resolves `..`, as Go's `filepath.Clean` does.
fn clean(pattern: &str) -> String {
    let mut components: Vec<&str> = Vec::new();
    for component in pattern.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop();
            }
            other => components.push(other),
        }
    }
    components.join("/")
}

fn regex(pattern: &str) -> String {
    let mut text = String::from("^");
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.next_if_eq(&'*').is_some() => {
                characters.next_if_eq(&'/');
                text.push_str(if characters.peek().is_none() { ".*" } else { "(.*/)?" });
            }
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '\\' => {
                if let Some(next) = characters.next() {
                    text.push_str(&regex::escape(&next.to_string()));
                }
            }
            '[' | ']' | '^' | '-' => text.push(character),
            other => text.push_str(&regex::escape(&other.to_string())),
        }
    }
    text.push('$');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_as_docker_does() {
        let table: [(&[&str], &str, bool); 27] = [
            (&["*.pyc"], "a.pyc", true),
            (&["*.pyc"], "pkg/a.pyc", false),
            (&["**/*.pyc"], "a.pyc", true),
            (&["**/*.pyc"], "pkg/deep/a.pyc", true),
            (&["node_modules"], "node_modules/x/y.js", true),
            (&["node_modules"], "web/node_modules/x", false),
            (&["**/node_modules"], "web/node_modules/x", true),
            (&["/build/"], "build/out", true),
            (&["./build"], "build", true),
            (&["src/../build"], "build", true),
            (&["temp?"], "tempa", true),
            (&["temp?"], "temp", false),
            (&["[a-c].txt"], "b.txt", true),
            (&["[^a-c].txt"], "b.txt", false),
            (&["a+b(c)$.txt"], "a+b(c)$.txt", true),
            (&["a.txt"], "abtxt", false),
            (&["\\*"], "*", true),
            (&["\\*"], "x", false),
            (&["*"], "anything/below", true),
            (&["*", "!src"], "src/main.py", false),
            (&["*", "!src", "src/secret"], "src/secret", true),
            (&["!src", "*"], "src/main.py", true),
            (&["*.md", "!README.md"], "README.md", false),
            (&["docs/**"], "docs/a/b", true),
            (&["docs/**", "!docs/keep/**"], "docs/keep/a", false),
            (&["a/**/z"], "a/z", true),
            (&["", "  ", "!"], "a", false),
        ];
        for (patterns, path, expected) in table {
            assert_eq!(Patterns::new(patterns.iter().copied()).matches(path), expected, "{patterns:?} on {path}");
        }
    }

    #[test]
    fn folders_are_left_unread_only_when_nothing_in_them_can_matter() {
        let patterns = Patterns::new(["*", "!src/app", "!docs/*.md"]);
        for (folder, expected) in [("src", true), ("src/app", true), ("src/app/deep", true), ("docs", true), ("web", false)] {
            assert_eq!(patterns.may_except_below(folder), expected, "{folder}");
        }
        let patterns = Patterns::new(["Dockerfile", "deploy/Dockerfile"]);
        assert!(patterns.may_match_below("deploy") && !patterns.may_match_below("src"));
    }
}
