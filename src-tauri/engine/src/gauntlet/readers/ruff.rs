//! Reads `ruff check --output-format json` and what `ruff format --check` prints, as JSON or, by older versions, as lines.

use serde::Deserialize;

use super::{Nonsense, Paths, recognised};
use crate::model::{Finding, Level};

#[derive(Deserialize)]
struct Diagnostic {
    code: Option<String>,
    filename: String,
    location: Option<Location>,
    message: String,
    url: Option<String>,
    severity: Option<String>,
    fix: Option<Fix>,
}

#[derive(Deserialize)]
struct Fix {
    applicability: Option<String>,
}

#[derive(Deserialize)]
struct Location {
    row: u32,
    column: u32,
}

/// The rule's name of a file that is not formatted.
const UNFORMATTED: &str = "unformatted";

/// Reads the findings of `ruff check`.
///
/// # Errors
/// When it is not JSON of that shape.
pub(in crate::gauntlet) fn check(text: &str, paths: &Paths) -> Result<Vec<Finding>, Nonsense> {
    let diagnostics: Vec<Diagnostic> =
        serde_json::from_str(text).map_err(|error| Nonsense { tool: "ruff", reason: error.to_string() })?;
    Ok(diagnostics.into_iter().map(|diagnostic| finding(diagnostic, paths)).collect())
}

/// Reads the files that `ruff format --check` would change.
///
/// # Errors
/// When it begins like JSON and is not, or nothing of it is known.
pub(in crate::gauntlet) fn format(text: &str, paths: &Paths) -> Result<Vec<Finding>, Nonsense> {
    if text.trim_start().starts_with('[') {
        let place = |finding: Finding| match finding.rule.as_deref() {
            // Where the first change would be says nothing about the file.
            Some(UNFORMATTED) => Finding { line: None, column: None, ..finding },
            _ => finding,
        };
        return Ok(check(text, paths)?.into_iter().map(place).collect());
    }
    let says = ["Would reformat: ", "No Python files found"];
    let counts = ["already formatted", "left unchanged", "would be reformatted"];
    recognised("ruff", text, |line| {
        says.iter().any(|words| line.contains(words)) || counts.iter().any(|words| line.contains(words))
    })?;
    let files = text.lines().filter_map(|line| line.strip_prefix("Would reformat: "));
    Ok(files
        .map(|file| Finding {
            rule: Some(UNFORMATTED.to_owned()),
            fixable: true,
            ..Finding::new(paths.in_project(file.trim()), Level::Error, "File would be reformatted".to_owned())
        })
        .collect())
}

fn finding(diagnostic: Diagnostic, paths: &Paths) -> Finding {
    let level = match diagnostic.severity.as_deref() {
        Some("warning" | "info" | "help") => Level::Warning,
        _ => Level::Error,
    };
    // Only what changes no meaning is mended without being asked for by another option.
    let safe = |fix: Fix| !matches!(fix.applicability.as_deref(), Some("unsafe" | "display" | "display-only" | "manual"));
    Finding {
        line: diagnostic.location.as_ref().map(|location| location.row),
        column: diagnostic.location.as_ref().map(|location| location.column),
        rule: diagnostic.code,
        url: diagnostic.url,
        fixable: diagnostic.fix.is_some_and(safe),
        ..Finding::new(paths.in_project(&diagnostic.filename), level, diagnostic.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: &str = r#"[
      {"cell":null,"code":"F401","end_location":{"column":10,"row":1},"filename":"/app/shop/main.py","fix":{"applicability":"safe","edits":[],"message":"Remove it"},
       "location":{"column":8,"row":1},"message":"`os` imported but unused","name":"unused-import","noqa_row":1,
       "severity":"error","url":"https://docs.astral.sh/ruff/rules/unused-import"},
      {"code":null,"filename":"/app/bad.py","location":{"column":12,"row":3},"message":"SyntaxError: Expected a parameter","url":null}
    ]"#;

    #[test]
    fn findings_of_the_linter_are_read() {
        let findings = check(CHECK, &Paths::new("/app")).expect("findings");
        assert_eq!(findings.len(), 2);
        assert_eq!(
            findings[0],
            Finding {
                line: Some(1),
                column: Some(8),
                rule: Some("F401".into()),
                url: Some("https://docs.astral.sh/ruff/rules/unused-import".into()),
                fixable: true,
                ..Finding::new("shop/main.py".into(), Level::Error, "`os` imported but unused".into())
            }
        );
        assert_eq!((findings[1].rule.as_deref(), findings[1].line, findings[1].fixable), (None, Some(3), false));
        assert!(check("[]", &Paths::new("/app")).expect("nothing").is_empty());
    }

    #[test]
    fn files_to_format_are_read_in_either_form() {
        let json = r#"[{"code":"unformatted","filename":"/app/a.py","location":{"column":7,"row":9},"message":"File would be reformatted","url":null,"severity":"error"},
                       {"code":"invalid-syntax","filename":"/app/b.py","location":{"column":1,"row":2},"message":"Expected an expression","url":null,"severity":"error"}]"#;
        let findings = format(json, &Paths::new("/app")).expect("findings");
        assert_eq!((findings[0].file.as_str(), findings[0].line), ("a.py", None));
        assert_eq!((findings[1].file.as_str(), findings[1].line), ("b.py", Some(2)));
        let lines =
            "Would reformat: shop/a b.py\nWould reformat: /app/c.py\n2 files would be reformatted, 1 file already formatted\n";
        let files: Vec<String> =
            format(lines, &Paths::new("/app")).expect("findings").into_iter().map(|finding| finding.file).collect();
        assert_eq!(files, ["shop/a b.py", "c.py"]);
        assert!(format("3 files already formatted\n", &Paths::new("/app")).expect("nothing").is_empty());
    }

    #[test]
    fn anything_else_is_nonsense() {
        for text in ["", "error: nothing", "[{]", "{\"code\":1}"] {
            assert!(check(text, &Paths::new("/app")).is_err(), "{text}");
        }
        for text in ["[{]", "lorem ipsum", "[{\"code\":\"unformatted\",\"filename\":\"/app/a"] {
            assert!(format(text, &Paths::new("/app")).is_err(), "{text}");
        }
    }
}
