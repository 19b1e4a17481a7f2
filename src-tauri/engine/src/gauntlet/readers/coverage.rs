//! Reads what `coverage json` writes.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Nonsense, Paths};
use crate::model::{Coverage, FileCoverage};

#[derive(Deserialize)]
struct Report {
    files: BTreeMap<String, File>,
    totals: Summary,
}

#[derive(Deserialize)]
struct File {
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    covered_lines: u32,
    num_statements: u32,
    covered_branches: Option<u32>,
    num_branches: Option<u32>,
}

impl Summary {
    fn covered(&self) -> u32 {
        self.covered_lines.saturating_add(self.covered_branches.unwrap_or_default())
    }

    fn total(&self) -> u32 {
        self.num_statements.saturating_add(self.num_branches.unwrap_or_default())
    }
}

/// Reads a report.
///
/// # Errors
/// When it is not JSON of that shape.
pub(in crate::gauntlet) fn read(json: &[u8], paths: &Paths) -> Result<Coverage, Nonsense> {
    let report: Report =
        serde_json::from_slice(json).map_err(|error| Nonsense { tool: "coverage", reason: error.to_string() })?;
    let mut files: Vec<FileCoverage> = report
        .files
        .iter()
        .map(|(file, of)| FileCoverage { file: paths.in_project(file), covered: of.summary.covered(), total: of.summary.total() })
        .collect();
    // Fractions compared without dividing.
    files.sort_by(|a, b| {
        let left = u64::from(a.covered) * u64::from(b.total.max(1));
        let right = u64::from(b.covered) * u64::from(a.total.max(1));
        (a.total == 0).cmp(&(b.total == 0)).then(left.cmp(&right)).then_with(|| a.file.cmp(&b.file))
    });
    Ok(Coverage { covered: report.totals.covered(), total: report.totals.total(), files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_files_are_read_the_least_covered_first() {
        let json = r#"{"meta":{"format":3,"version":"7.6"},"files":{
            "/app/shop/main.py":{"executed_lines":[1],"summary":{"covered_lines":9,"num_statements":10,"percent_covered":90.0,"missing_lines":1}},
            "shop/empty.py":{"summary":{"covered_lines":0,"num_statements":0}},
            "shop/cart.py":{"summary":{"covered_lines":1,"num_statements":4,"covered_branches":1,"num_branches":4}}
          },"totals":{"covered_lines":10,"num_statements":14,"percent_covered":61.1,"covered_branches":1,"num_branches":4}}"#;
        let coverage = read(json.as_bytes(), &Paths::new("/app")).expect("report");
        assert_eq!((coverage.covered, coverage.total), (11, 18));
        assert!((coverage.percent() - 61.111).abs() < 0.01);
        let files: Vec<&str> = coverage.files.iter().map(|file| file.file.as_str()).collect();
        assert_eq!(files, ["shop/cart.py", "shop/main.py", "shop/empty.py"]);
    }

    #[test]
    fn anything_else_is_nonsense() {
        for text in ["", "{}", "[]", "{\"files\":{},\"totals\":{\"covered_lines\":-1,\"num_statements\":0}}"] {
            assert!(read(text.as_bytes(), &Paths::new("/app")).is_err(), "{text}");
        }
        assert!((Coverage::default().percent() - 100.0).abs() < f64::EPSILON, "nothing to cover is covered");
    }
}
