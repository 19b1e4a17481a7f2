//! Tells whether a text is a requirement (PEP 508), without the panics of the parser that reads it.

use std::str::FromStr;

use pep508_rs::{Requirement, VerbatimUrl};

/// Reads a requirement; in words what is wrong with a text that is none.
///
/// The parser panics on names and extras that end with a hyphen, a dot or an underscore, so those are refused before it sees them.
pub(in crate::project) fn parse(text: &str) -> Result<Requirement<VerbatimUrl>, String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let text = text.trim();
    let rest = text.trim_start_matches(is_part);
    let name = text.strip_suffix(rest).unwrap_or_default();
    let extras = rest.trim_start().strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or_default();
    let ends_well = |part: &str| {
        !part.trim().starts_with(|c: char| c.is_ascii_alphanumeric())
            || part.trim().ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    if !ends_well(name) || !extras.split(',').flat_map(|extra| extra.split_whitespace()).all(ends_well) {
        return Err("a name ends with a letter or a digit".into());
    }
    Requirement::from_str(text).map_err(|error| error.message.to_string().lines().next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_requirement_is_refused_in_words() {
        for (text, reason) in [
            ("A-\u{e}", "ends with a letter"),
            ("a[b-]", "ends with a letter"),
            ("a[b, c. ]", "ends with a letter"),
            ("a>>1", "no such comparison operator"),
            ("", "Empty field"),
            ("./a", "preceded by a package name"),
        ] {
            let error = parse(text).map(|requirement| requirement.to_string());
            assert!(error.as_ref().is_err_and(|error| error.contains(reason)), "{text}: {error:?}");
        }
    }

    #[test]
    fn requirements_are_read() {
        for text in ["a", "A_b.c [x, y-z] >=1, <2 ; python_version > '3'", "a @ https://example.com/a.whl", "a (>=1,<2)"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[A-Za-z0-9._\\[\\], @;()<>=!~\u{e}-]{0,16}", url in "[a-z:/$.{}@#%\\[\\] -]{0,16}") {
            let _ = parse(&text);
            let _ = parse(&format!("a @ {url}"));
        }
    }
}
