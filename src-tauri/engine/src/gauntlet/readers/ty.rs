//! Reads `ty check --output-format concise`.

use regex::Regex;

use super::{Nonsense, Paths, recognised};
use crate::model::{Finding, Level};

/// Reads `file:line:column: level[rule] message`.
///
/// # Errors
/// When there is output and none of it is of that shape.
pub(in crate::gauntlet) fn read(text: &str, paths: &Paths) -> Result<Vec<Finding>, Nonsense> {
    let Ok(pattern) = Regex::new(r"^(.+?):(\d+):(\d+): (error|warning|info|fatal)\[([a-z0-9-]+)\]:? (.*)$") else {
        return Ok(Vec::new());
    };
    recognised("ty", text, |line| line == "All checks passed!" || line.starts_with("Found ") || pattern.is_match(line))?;
    let read = |line: &str| {
        let parts = pattern.captures(line)?;
        let text = |index: usize| parts.get(index).map_or("", |part| part.as_str());
        let level = if matches!(text(4), "error" | "fatal") { Level::Error } else { Level::Warning };
        Some(Finding {
            line: text(2).parse().ok(),
            column: text(3).parse().ok(),
            rule: Some(text(5).to_owned()),
            url: Some(format!("https://docs.astral.sh/ty/reference/rules/#{}", text(5))),
            ..Finding::new(paths.in_project(text(1)), level, text(6).to_owned())
        })
    };
    Ok(text.lines().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = "shop/main.py:6:12: error[invalid-return] Return type does not match: expected `str`, found `int`\n\
                    shop/main.py:9:1: warning[possibly-unbound] Name `x` may be unbound\nFound 2 diagnostics\n";
        let findings = read(text, &Paths::new("/app")).expect("findings");
        assert_eq!(findings.len(), 2);
        assert_eq!((findings[0].line, findings[0].column, findings[0].level), (Some(6), Some(12), Level::Error));
        assert_eq!(findings[0].message, "Return type does not match: expected `str`, found `int`");
        assert_eq!(findings[1].url.as_deref(), Some("https://docs.astral.sh/ty/reference/rules/#possibly-unbound"));
        assert_eq!(findings[1].level, Level::Warning);
        assert!(read("All checks passed!\n", &Paths::new("/app")).expect("nothing").is_empty());
        assert!(read("", &Paths::new("/app")).expect("nothing").is_empty());
        assert!(read("lorem ipsum\n", &Paths::new("/app")).is_err());
    }
}
