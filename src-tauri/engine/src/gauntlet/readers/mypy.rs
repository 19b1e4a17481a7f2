//! Reads `mypy --output json`, one object a line, and the lines of versions before 1.11, which have no such option.

use regex::Regex;
use serde::Deserialize;

use super::{Nonsense, Paths, recognised};
use crate::model::{Finding, Level};

#[derive(Deserialize)]
struct Message {
    file: String,
    line: i64,
    column: i64,
    message: String,
    code: Option<String>,
    severity: String,
}

/// Reads objects, one a line.
///
/// # Errors
/// When a line is neither an object nor one of the few sentences that mypy says besides.
pub(in crate::gauntlet) fn json(text: &str, paths: &Paths) -> Result<Vec<Finding>, Nonsense> {
    let told = text.lines().filter(|line| !line.trim().is_empty() && !is_prose(line));
    let messages = told.map(|line| {
        let message: Message =
            serde_json::from_str(line).map_err(|error| Nonsense { tool: "mypy", reason: not_a_message(line, &error) })?;
        // Columns are counted from 0 in this format alone.
        let column = u32::try_from(message.column).ok().map(|column| column.saturating_add(1));
        let line = u32::try_from(message.line).ok().filter(|line| *line > 0);
        Ok(finding(paths, &message.file, line, column, &message.severity, message.message, message.code))
    });
    messages.collect()
}

/// What mypy says to people, whatever format it is asked for.
fn is_prose(line: &str) -> bool {
    ["Success: ", "Found ", "Generated ", "Warning: "].iter().any(|start| line.starts_with(start))
}

fn not_a_message(line: &str, error: &serde_json::Error) -> String {
    format!("{error} in `{}`", line.chars().take(80).collect::<String>())
}

/// Reads `file:line:column: severity: message  [code]`.
///
/// # Errors
/// When there is output and none of it is of that shape.
pub(in crate::gauntlet) fn lines(text: &str, paths: &Paths) -> Result<Vec<Finding>, Nonsense> {
    let Ok(pattern) = Regex::new(r"^(.+?):(\d+)(?::(\d+))?: (error|warning|note): (.*?)(?:  \[([a-z0-9-]+)\])?$") else {
        return Ok(Vec::new());
    };
    recognised("mypy", text, |line| is_prose(line) || pattern.is_match(line))?;
    let read = |line: &str| {
        let parts = pattern.captures(line)?;
        let number = |index: usize| parts.get(index).and_then(|part| part.as_str().parse().ok());
        let text = |index: usize| parts.get(index).map_or("", |part| part.as_str());
        let code = parts.get(6).map(|part| part.as_str().to_owned());
        Some(finding(paths, text(1), number(2), number(3), text(4), text(5).to_owned(), code))
    };
    Ok(text.lines().filter_map(read).collect())
}

fn finding(
    paths: &Paths,
    file: &str,
    line: Option<u32>,
    column: Option<u32>,
    severity: &str,
    message: String,
    code: Option<String>,
) -> Finding {
    let level = if severity == "error" { Level::Error } else { Level::Warning };
    Finding {
        line,
        column,
        url: code.as_ref().map(|code| format!("https://mypy.readthedocs.io/en/stable/_refs.html#code-{code}")),
        rule: code,
        ..Finding::new(paths.in_project(file), level, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read() {
        let text = concat!(
            r#"{"file": "shop/main.py", "line": 6, "column": 11, "end_line": 6, "message": "Incompatible return value type", "hint": null, "code": "return-value", "severity": "error"}"#,
            "\n",
            r#"{"file": "/app/shop/main.py", "line": 7, "column": 0, "message": "Revealed type is \"builtins.int\"", "hint": null, "code": null, "severity": "note"}"#,
            "\n",
        );
        let findings = json(text, &Paths::new("/app")).expect("findings");
        assert_eq!((findings[0].line, findings[0].column, findings[0].level), (Some(6), Some(12), Level::Error));
        assert_eq!(findings[0].url.as_deref(), Some("https://mypy.readthedocs.io/en/stable/_refs.html#code-return-value"));
        assert_eq!((findings[1].file.as_str(), findings[1].level), ("shop/main.py", Level::Warning));
        assert!(json("", &Paths::new("/app")).expect("nothing").is_empty());
        assert!(json("{\"file\": 1}", &Paths::new("/app")).is_err());
    }

    #[test]
    fn lines_of_older_versions_are_read() {
        let text = "shop/main.py:6:12: error: Incompatible return value type (got \"int\", expected \"str\")  [return-value]\n\
                    shop/main.py:9: note: See the manual\nFound 1 error in 1 file (checked 2 source files)\n";
        let findings = lines(text, &Paths::new("/app")).expect("findings");
        assert_eq!(findings.len(), 2);
        assert_eq!(
            (findings[0].line, findings[0].column, findings[0].rule.as_deref()),
            (Some(6), Some(12), Some("return-value"))
        );
        assert_eq!(findings[0].message, "Incompatible return value type (got \"int\", expected \"str\")");
        assert_eq!((findings[1].column, findings[1].level), (None, Level::Warning));
    }

    #[test]
    fn anything_else_is_nonsense() {
        let paths = Paths::new("/app");
        for text in ["lorem ipsum", "{\"file\": \"a.py\", \"li", "{}\n", "Success: no issues found\nSegmentation fault"] {
            assert!(json(text, &paths).is_err(), "{text}");
        }
        for text in ["\n", "Success: no issues found in 3 source files\n"] {
            assert!(json(text, &paths).expect("nothing").is_empty(), "{text}");
            assert!(lines(text, &paths).expect("nothing").is_empty(), "{text}");
        }
        assert!(lines("lorem ipsum\n", &paths).is_err());
    }
}
