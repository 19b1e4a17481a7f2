//! Markers as locks write them (PEP 508), with the two that only locks may use (PEP 751).

use std::str::FromStr;

use pep508_rs::{ExtraName, MarkerTree};

use super::LockError;
use super::manifest::group_name;

/// Reads a marker; a lock whose marker cannot be read must not be used, since what it guards would be lost.
pub(super) fn parse(text: &str, file: &str) -> Result<MarkerTree, LockError> {
    MarkerTree::from_str(&without_lists(text)).map_err(|error| LockError::Unreadable {
        file: file.to_owned(),
        reason: format!("`{text}` is no marker: {}", error.to_string().lines().next().unwrap_or_default()),
        hint: "run `nonevent lock` to make it again".into(),
    })
}

/// Returns the name under which a marker tests for an extra of the locked project (`'x' in extras`).
pub(super) fn extra(name: &str) -> Option<ExtraName> {
    ExtraName::new(format!("extras-{}", group_name(name))).ok()
}

/// Returns the name under which a marker tests for a dependency group (`'x' in dependency_groups`).
pub(super) fn group(name: &str) -> Option<ExtraName> {
    ExtraName::new(format!("dependency-groups-{}", group_name(name))).ok()
}

/// Rewrites `'x' in extras` and `'x' in dependency_groups` as tests for an extra of a longer name, which every reader of
/// markers knows.
fn without_lists(text: &str) -> String {
    let mut tokens = tokens(text);
    let mut at = 0;
    while at < tokens.len() {
        let list = |token: Option<&String>| match token.map(String::as_str) {
            Some("extras") => Some("extras"),
            Some("dependency_groups") => Some("dependency-groups"),
            _ => None,
        };
        let is = |offset: usize, word: &str| tokens.get(at + offset).is_some_and(|token| token == word);
        let found = if is(1, "in") {
            list(tokens.get(at + 2)).map(|list| (list, "==", 3))
        } else if is(1, "not") && is(2, "in") {
            list(tokens.get(at + 3)).map(|list| (list, "!=", 4))
        } else {
            None
        };
        if let (Some((list, operator, length)), Some(name)) = (found, tokens.get(at).and_then(|token| unquoted(token))) {
            let test = format!("extra {operator} '{list}-{}'", group_name(name));
            tokens.splice(at..at + length, [test]);
        }
        at += 1;
    }
    tokens.join(" ")
}

fn unquoted(token: &str) -> Option<&str> {
    let quote = token.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    token.strip_prefix(quote)?.strip_suffix(quote)
}

/// Splits a marker into quoted texts, words, parentheses and operators.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' | '"' => rest.get(1..).and_then(|inner| inner.find(first)).map_or(rest.len(), |at| at + 2),
            '(' | ')' => 1,
            _ => {
                let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
                let same = word(first);
                rest.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '(' | ')') || word(c) != same)
                    .unwrap_or(rest.len())
            }
        };
        let (token, after) = rest.split_at(end);
        tokens.push(token.to_owned());
        rest = after.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_extras_and_the_rest_stays() {
        let check = |from: &str, to: &str| assert_eq!(without_lists(from), to);
        check("'dev' in dependency_groups", "extra == 'dependency-groups-dev'");
        check("\"Web_UI\" not in extras", "extra != 'extras-web-ui'");
        check("python_version in '3.8 3.9'", "python_version in '3.8 3.9'");
        check(
            "('a' in extras or 'b' in extras) and sys_platform=='linux'",
            "( extra == 'extras-a' or extra == 'extras-b' ) and sys_platform == 'linux'",
        );
        check("'in extras' == platform_release", "'in extras' == platform_release");
    }
}
