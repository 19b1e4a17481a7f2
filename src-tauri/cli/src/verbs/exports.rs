//! What `check`, `ship` and `results` write for other programs: files, and annotations in a workflow.

use std::path::{Path, PathBuf};

use nonevent_engine::Engine;
use nonevent_engine::model::{RunId, RunResults};

use crate::error::CliError;
use crate::tell::{Workflow, prefix};

/// Files for other programs.
#[derive(Debug, Clone, clap::Args)]
pub struct Exports {
    /// Write what the gates found as SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write what the gates found, and every test, as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl Exports {
    /// Writes the files that are asked for.
    ///
    /// # Errors
    /// When one cannot be written, or the database cannot be read.
    pub fn write(&self, engine: &Engine, results: &RunResults, folder: &Path) -> Result<(), CliError> {
        if let Some(file) = &self.sarif {
            let prefix = prefix(folder, std::env::var_os("GITHUB_WORKSPACE"));
            write(file, &engine.sarif(results, &prefix))?;
        }
        if let Some(file) = &self.junit {
            write(file, &engine.junit(results)?)?;
        }
        Ok(())
    }

    /// Writes the files of a run that has ended, however it did, and returns its annotations where a workflow reads them.
    ///
    /// # Errors
    /// When a file cannot be written, or the database cannot be read.
    pub fn after(&self, engine: &Engine, run: &RunId, folder: &Path) -> Result<Vec<String>, CliError> {
        let workflow = Workflow::find(folder, |name| std::env::var_os(name));
        if self.sarif.is_none() && self.junit.is_none() && workflow.is_none() {
            return Ok(Vec::new());
        }
        let results = engine.results_of(run)?;
        self.write(engine, &results, folder)?;
        Ok(workflow.map(|workflow| workflow.annotations(&results.gates)).unwrap_or_default())
    }
}

fn write(file: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(file, text).map_err(|source| CliError::CannotWrite { file: Some(file.to_owned()), source })
}
