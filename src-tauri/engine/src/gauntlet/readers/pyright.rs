//! Reads `pyright --outputjson`.

use serde::Deserialize;

use super::{Nonsense, Paths};
use crate::model::{Finding, Level};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    general_diagnostics: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    file: String,
    severity: String,
    message: String,
    rule: Option<String>,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: u32,
    character: u32,
}

/// Reads the findings.
///
/// # Errors
/// When it is not JSON of that shape.
pub(in crate::gauntlet) fn read(text: &str, paths: &Paths) -> Result<Vec<Finding>, Nonsense> {
    // Its Python wrapper may print notes before the report.
    let json = text.find("{").and_then(|start| text.get(start..)).unwrap_or(text);
    let report: Report = serde_json::from_str(json).map_err(|error| Nonsense { tool: "pyright", reason: error.to_string() })?;
    let findings = report.general_diagnostics.into_iter().map(|diagnostic| {
        let start = diagnostic.range.map(|range| range.start);
        let level = if diagnostic.severity == "error" { Level::Error } else { Level::Warning };
        Finding {
            line: start.as_ref().map(|start| start.line.saturating_add(1)),
            column: start.as_ref().map(|start| start.character.saturating_add(1)),
            url: diagnostic
                .rule
                .as_ref()
                .map(|rule| format!("https://github.com/microsoft/pyright/blob/main/docs/configuration.md#{rule}")),
            rule: diagnostic.rule,
            ..Finding::new(paths.in_project(&diagnostic.file), level, diagnostic.message)
        }
    });
    Ok(findings.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_read_with_lines_from_one() {
        let text = r#"{"version":"1.1.400","time":"1","generalDiagnostics":[
            {"file":"/app/shop/main.py","severity":"error","message":"Type \"int\" is not assignable","rule":"reportReturnType",
             "range":{"start":{"line":5,"character":11},"end":{"line":5,"character":22}}},
            {"file":"/app/pyproject.toml","severity":"information","message":"no range here"}
          ],"summary":{"filesAnalyzed":1,"errorCount":1}}"#;
        let findings = read(text, &Paths::new("/app")).expect("report");
        assert_eq!((findings[0].file.as_str(), findings[0].line, findings[0].column), ("shop/main.py", Some(6), Some(12)));
        assert!(findings[0].url.as_deref().is_some_and(|url| url.ends_with("#reportReturnType")));
        assert_eq!((findings[1].line, findings[1].level), (None, Level::Warning));
        assert!(read("no configuration file found", &Paths::new("/app")).is_err());
    }
}
