//! Which of a project's tests are unit tests, and which need services: by folder, or by a registered marker.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::Inputs;
use super::gates::{Suggestion, Tools};
use crate::model::CommandLine;
use crate::project::config::GateEntry;
use crate::project::document::{Document, read_text};
use crate::project::{ProjectError, Warning};

/// The folder whose tests need services.
const FOLDER: &str = "tests/integration";

/// The folder whose tests need nothing.
const UNIT: &str = "tests/unit";

/// The marker of tests that need services.
const MARKER: &str = "integration";

/// Where pytest looks for its settings, in the order in which it takes the first (pytest's reference, "Configuration file formats").
const TOML_FILES: [&str; 2] = ["pytest.toml", ".pytest.toml"];
const INI_FILES: [(&str, &str); 4] =
    [("pytest.ini", "pytest"), (".pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")];

/// What the gates `unit` and `integration` would run.
pub(super) struct Suites {
    pub unit: Suggestion,
    pub integration: Option<Suggestion>,
}

/// How integration tests are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Apart {
    Folder,
    Marker,
}

impl Suites {
    /// Looks at folders, markers and services.
    pub fn new(
        tools: &Tools<'_, '_>,
        inputs: &Inputs<'_>,
        services: &[String],
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ProjectError> {
        let Some(because) = tools.pytest() else {
            warn_of_tests_that_nothing_runs(inputs, warnings);
            return Ok(Self {
                unit: Suggestion::NotSetUp("pytest is neither configured nor a dependency".into()),
                integration: None,
            });
        };
        let is_folder = |path: &str| inputs.root.join(path).is_dir();
        let settings = PytestSettings::read(inputs.root)?;
        let way = match (is_folder(FOLDER), settings.registers(MARKER)) {
            (true, _) => Some((Apart::Folder, format!("there is a folder `{FOLDER}`"))),
            (false, true) => Some((Apart::Marker, format!("the marker `{MARKER}` is registered"))),
            (false, false) => None,
        };
        let configured = inputs.configuration.gauntlet.gates.iter().find(|(name, _)| name == "integration");
        let is_off = matches!(configured, Some((_, GateEntry::Off(_))));
        let gets_its_gate = !is_off && (configured.is_some() || !services.is_empty());
        let own = way.as_ref().map(|(way, _)| *way).filter(|_| gets_its_gate);
        let (arguments, why): (&[&str], _) = match (is_folder(UNIT), own) {
            (true, _) => (&[UNIT], format!("{because}, there is a folder `{UNIT}`")),
            (false, Some(Apart::Folder)) => {
                (&["--ignore=tests/integration"], format!("{because}, integration tests have their own gate"))
            }
            // A choice that the project makes for every run stays its own.
            (false, Some(Apart::Marker)) if !settings.chooses_markers() => {
                (&["-m", "not integration"], format!("{because}, integration tests have their own gate"))
            }
            (false, Some(Apart::Marker) | None) => (&[], because.clone()),
        };
        let integration = way.map(|(way, seen)| match (way, gets_its_gate) {
            (Apart::Folder, true) => Suggestion::Run(pytest(&[FOLDER]), format!("{because}, {seen}")),
            (Apart::Marker, true) => Suggestion::Run(pytest(&["-m", MARKER]), format!("{because}, {seen}")),
            (_, false) => Suggestion::NotSetUp(format!("{seen}, but no service is configured")),
        });
        if is_folder(UNIT) && is_folder(FOLDER) && !gets_its_gate && !is_off {
            let message = "the tests in `tests/integration` are not run: no service is configured for them";
            let hint = "add `[services.db]`, or `[gauntlet] integration = { run = \"pytest tests/integration\" }`";
            warnings.push(Warning::new(message, hint));
        }
        Ok(Self { unit: Suggestion::Run(pytest(arguments), why), integration })
    }
}

fn pytest(arguments: &[&str]) -> CommandLine {
    CommandLine::Exec(std::iter::once("pytest").chain(arguments.iter().copied()).map(str::to_owned).collect())
}

fn warn_of_tests_that_nothing_runs(inputs: &Inputs<'_>, warnings: &mut Vec<Warning>) {
    let has_unit = inputs.configuration.gauntlet.gates.iter().any(|(name, _)| name == "unit");
    let folder = ["tests", "test"].into_iter().find(|folder| inputs.root.join(folder).is_dir());
    if let Some(folder) = folder.filter(|_| !has_unit) {
        let message = format!("there is a folder `{folder}`, but pytest is neither configured nor a dependency: no test is run");
        let hint = "add pytest to the group `dev`, or name the command: [gauntlet] unit = { run = \"…\" }";
        warnings.push(Warning::new(message, hint));
    }
}

/// The few of pytest's settings that decide which tests are which.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PytestSettings {
    markers: Vec<String>,
    addopts: Vec<String>,
}

impl PytestSettings {
    /// Reads the first place that holds any, as pytest does.
    pub fn read(root: &Path) -> Result<Self, ProjectError> {
        for file in TOML_FILES {
            if let Some(document) = Document::read(root, file)? {
                let table = document.table()?;
                return Ok(table.get_ref().get("pytest").map(|table| Self::of_table(table.get_ref())).unwrap_or_default());
            }
        }
        for (file, section) in INI_FILES {
            if file == "tox.ini"
                && let Some(found) = Self::of_manifest(root)?
            {
                return Ok(found);
            }
            let Some(text) = read_text(root, Path::new(file))? else { continue };
            let found = Self::of_ini(&text, section);
            // A `pytest.ini` counts even when it is empty.
            if found.is_some() || file.ends_with("pytest.ini") {
                return Ok(found.unwrap_or_default());
            }
        }
        Ok(Self::default())
    }

    /// `[tool.pytest]` of pytest 9, or `[tool.pytest.ini_options]`.
    fn of_manifest(root: &Path) -> Result<Option<Self>, ProjectError> {
        let Some(document) = Document::read(root, "pyproject.toml")? else { return Ok(None) };
        let table = document.table()?;
        let under = |table: &DeTable<'_>, key: &str| table.get(key).is_some_and(|value| value.get_ref().is_table());
        let tool = table.get_ref().get("tool").and_then(|tool| tool.get_ref().as_table()?.get("pytest"));
        Ok(tool.and_then(|pytest| {
            let table = pytest.get_ref().as_table()?;
            let options = table.get("ini_options").filter(|_| under(table, "ini_options"));
            Some(Self::of_table(options.unwrap_or(pytest).get_ref()))
        }))
    }

    fn of_table(value: &DeValue<'_>) -> Self {
        let words = |key: &str, split: fn(&str) -> Vec<String>| match value.as_table().and_then(|table| table.get(key)) {
            Some(found) => match found.get_ref() {
                DeValue::String(text) => split(text),
                DeValue::Array(items) => items.iter().filter_map(|item| item.get_ref().as_str().map(str::to_owned)).collect(),
                _ => Vec::new(),
            },
            None => Vec::new(),
        };
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Self::new(words("markers", lines), words("addopts", |text| shlex::split(text).unwrap_or_default()))
    }

    fn of_ini(text: &str, section: &str) -> Option<Self> {
        let header = format!("[{section}]");
        let mut lines = text.lines().skip_while(|line| line.trim() != header);
        lines.next()?;
        let (mut markers, mut addopts, mut key) = (Vec::new(), String::new(), "");
        for line in lines.take_while(|line| !line.starts_with('[')) {
            let mut rest = line.trim();
            if rest.starts_with(['#', ';']) {
                continue;
            }
            // What is indented goes on with the value above.
            if !line.starts_with(char::is_whitespace)
                && let Some((name, value)) = line.split_once(['=', ':'])
            {
                (key, rest) = (name.trim(), value.trim());
            }
            match key {
                "markers" => markers.push(rest.to_owned()),
                "addopts" => addopts.push_str(&format!("{rest} ")),
                _ => {}
            }
        }
        Some(Self::new(markers, shlex::split(&addopts).unwrap_or_default()))
    }

    fn new(markers: Vec<String>, addopts: Vec<String>) -> Self {
        let name = |marker: &String| marker.split([':', '(']).next().unwrap_or_default().trim().to_owned();
        Self { markers: markers.iter().map(name).filter(|name| !name.is_empty()).collect(), addopts }
    }

    fn registers(&self, marker: &str) -> bool {
        self.markers.iter().any(|known| known == marker)
    }

    /// Tells whether the project's own options choose tests by marker.
    fn chooses_markers(&self) -> bool {
        self.addopts.iter().any(|option| option == "-m" || option.starts_with("-m") && !option.starts_with("--"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_in_either_form() {
        let ini = "[other]\nmarkers = no\n[pytest]\nminversion = 8\nmarkers =\n    slow: takes long\n    # a comment\n    integration(x): needs services\naddopts = -q\n    -m \"not slow\"\n[more]\n";
        let found = PytestSettings::of_ini(ini, "pytest").expect("section");
        assert_eq!(found.markers, ["slow", "integration"]);
        assert!(found.registers("integration") && found.chooses_markers());
        assert_eq!(PytestSettings::of_ini("[mypy]\n", "pytest"), None);
        let table = |text: &str| {
            let folder = tempfile::tempdir().expect("folder");
            std::fs::write(folder.path().join("pyproject.toml"), text).expect("file");
            PytestSettings::read(folder.path()).expect("settings")
        };
        let native = table("[tool.pytest]\nmarkers = [\"integration: x\"]\naddopts = [\"-ra\", \"--maxfail=1\"]\n");
        assert!(native.registers("integration") && !native.chooses_markers());
        let older =
            table("[tool.pytest.ini_options]\nmarkers = \"\"\"\nintegration\nslow\n\"\"\"\naddopts = \"-m 'not slow'\"\n");
        assert!(older.registers("integration") && older.chooses_markers());
    }
}
