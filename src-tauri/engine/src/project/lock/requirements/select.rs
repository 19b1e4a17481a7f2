//! The choice from requirements files: what is pinned and whose marker holds.

use super::super::LockError;
use super::super::file::file_name;
use super::super::manifest::group_name;
use super::super::python::PythonTarget;
use super::super::selection::{Candidate, MainDependencies, Selection, UncheckedFile, Wanted, choose};
use super::super::wheel::WheelName;
use super::parse::{Entry, Line, Pin, Sheet};
use super::{MAIN, Requirements};

impl Requirements {
    /// Chooses what a project needs.
    pub(in super::super) fn select(&self, target: &PythonTarget, wanted: &Wanted) -> Result<Selection, LockError> {
        if let Some(extra) = wanted.extras.first() {
            return Err(LockError::UnknownExtra { extra: extra.clone(), known: Vec::new() });
        }
        let mut candidates = Vec::new();
        if wanted.project == MainDependencies::Include {
            self.main.collect(target, |_| true, &mut candidates)?;
        }
        for group in &wanted.groups {
            let group = group_name(group);
            let Some(sheet) = self.groups.get(&group) else {
                return Err(LockError::UnknownGroup { file: MAIN.into(), group, known: self.groups() });
            };
            // A development file that includes the app's own pins still names only its own.
            let of_app = |line: &Line| self.main.files.iter().any(|file| file.name == line.file);
            let own = |line: &Line| wanted.project == MainDependencies::Include || !of_app(line);
            sheet.collect(target, own, &mut candidates)?;
        }
        Ok(Selection { packages: choose(candidates, target)?, local: Vec::new() })
    }
}

impl Sheet {
    fn collect(
        &self,
        target: &PythonTarget,
        is_wanted: impl Fn(&Line) -> bool,
        into: &mut Vec<Candidate>,
    ) -> Result<(), LockError> {
        for line in self.entries.iter().filter(|line| is_wanted(line)) {
            match &line.entry {
                Entry::Pin(pin) if !pin.marker.evaluate(target.markers(), &[]) => {}
                Entry::Pin(pin) => into.push(Candidate { index: self.index.clone(), ..pin.candidate()? }),
                Entry::Loose(text) => return Err(LockError::Unpinned { requirement: text.clone() }),
                Entry::Unsafe { what, hint } => {
                    return Err(LockError::Unreadable {
                        file: line.file.clone(),
                        reason: format!("line {}: {what}", line.number),
                        hint: hint.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

impl Pin {
    fn candidate(&self) -> Result<Candidate, LockError> {
        let Some(url) = &self.url else {
            let version = self.version.clone().unwrap_or_default();
            if self.hashes.is_empty() {
                return Err(LockError::Unhashed { name: self.name.clone(), version });
            }
            return Ok(Candidate {
                name: self.name.clone(),
                version,
                wheels: Vec::new(),
                sdist: None,
                hashes: self.hashes.clone(),
                index: None,
            });
        };
        let filename = file_name(url).unwrap_or_default();
        let mut plain = url.clone();
        plain.set_fragment(None);
        let wheel = WheelName::parse(&filename);
        let file = UncheckedFile { filename, sha256: self.hashes.first().cloned(), url: Some(plain), size: None };
        let version = wheel.as_ref().map_or_else(String::new, |wheel| wheel.version.clone());
        let (wheels, sdist) = if wheel.is_some() { (vec![file], None) } else { (Vec::new(), Some(file)) };
        Ok(Candidate { name: self.name.clone(), version, wheels, sdist, hashes: Vec::new(), index: None })
    }
}
