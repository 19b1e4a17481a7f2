//! What a wheel becomes when it is installed: a pure function from its bytes and a place to a list of files.
//!
//! The rules are those of the PyPA binary distribution format ("Installing a wheel"): `.data` is spread, `#!python` is rewritten,
//! entry points become scripts, and `RECORD` lists the result. No file of the wheel is run, and nothing is written here.

use std::collections::BTreeMap;
use std::io::Read;

use sha2::{Digest as _, Sha256};

use super::archive::{Member, WheelArchive};
use super::{WheelError, entry_points, record};
use crate::image::layer::Mode;

/// Who installed it, as `INSTALLER` says.
pub(crate) const INSTALLER: &[u8] = b"nonevent\n";

/// A place for packages inside an image: a prefix as `venv` lays it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// The prefix, without its leading slash: `opt/venv`.
    pub prefix: String,
    /// What scripts are run by: `/opt/venv/bin/python`.
    pub interpreter: String,
    /// `MAJOR.MINOR` of the Python.
    pub python: String,
}

/// A wheel, installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) files: Vec<InstalledFile>,
}

/// One file of an installed wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstalledFile {
    /// Its path below the image's root.
    pub(crate) path: String,
    pub(crate) mode: Mode,
    pub(crate) size: u64,
    pub(crate) bytes: FileBytes,
}

/// Where a file's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileBytes {
    /// The wheel's member with this index.
    Member(usize),
    /// Made while installing.
    Made(Vec<u8>),
}

impl Scheme {
    /// Returns where packages lie, below the image's root.
    pub fn site_packages(&self) -> String {
        format!("{}/lib/python{}/site-packages", self.prefix, self.python)
    }

    fn path(&self, kind: &str, distribution: &str, rest: &str) -> Option<String> {
        match kind {
            "purelib" | "platlib" => Some(format!("{}/{rest}", self.site_packages())),
            "scripts" => Some(format!("{}/bin/{rest}", self.prefix)),
            "headers" => Some(format!("{}/include/site/python{}/{distribution}/{rest}", self.prefix, self.python)),
            "data" => Some(format!("{}/{rest}", self.prefix)),
            _ => None,
        }
    }

    /// Returns a path as `RECORD` writes it: relative to where packages lie.
    pub(crate) fn recorded(&self, path: &str) -> String {
        match path.strip_prefix(&format!("{}/", self.site_packages())) {
            Some(inside) => inside.to_owned(),
            None => format!("../../../{}", path.strip_prefix(&format!("{}/", self.prefix)).unwrap_or(path)),
        }
    }
}

/// Plans the installation of a wheel of a distribution.
pub(crate) fn install(wheel: &mut WheelArchive, distribution: &str, scheme: &Scheme) -> Result<Installed, WheelError> {
    let members = wheel.members()?;
    let dist_info = dist_info(wheel.filename(), distribution, &members)?;
    check_version(wheel, &members, &dist_info)?;
    let record_path = format!("{dist_info}/RECORD");
    let stated = match members.iter().find(|member| member.path == record_path) {
        Some(member) => {
            let bytes = wheel.read(member.index)?;
            record::parse(&bytes).map_err(|error| WheelError::invalid(wheel.filename(), format!("its RECORD: {error}")))?
        }
        None => return Err(WheelError::invalid(wheel.filename(), "it has no RECORD")),
    };
    let mut installation = Installation { scheme, files: Vec::new(), rows: BTreeMap::new() };
    for script in scripts(wheel, &members, &dist_info, scheme)? {
        installation.add_made(script.0, Mode::Executable, script.1);
    }
    let data = format!("{}.data/", dist_info.strip_suffix(".dist-info").unwrap_or(&dist_info));
    for member in &members {
        match member.path.strip_prefix(&data) {
            None if is_made_anew(&member.path, &dist_info) => {}
            None => {
                let path = format!("{}/{}", scheme.site_packages(), member.path);
                installation.add_member(wheel, member, path, &stated, member.mode)?;
            }
            Some(rest) => {
                let unknown = || WheelError::invalid(wheel.filename(), format!("`{}` belongs nowhere", member.path));
                let (kind, rest) = rest.split_once('/').ok_or_else(unknown)?;
                let path = scheme.path(kind, distribution, rest).ok_or_else(unknown)?;
                match kind {
                    "scripts" if installation.has(&path) => {}
                    "scripts" => installation.add_script(wheel, member, path, &stated)?,
                    _ => installation.add_member(wheel, member, path, &stated, member.mode)?,
                }
            }
        }
    }
    let own = |name: &str| format!("{}/{dist_info}/{name}", scheme.site_packages());
    installation.add_made(own("INSTALLER"), Mode::Plain, INSTALLER.to_vec());
    installation.finish(wheel.filename(), own("RECORD"))
}

struct Installation<'a> {
    scheme: &'a Scheme,
    files: Vec<InstalledFile>,
    /// `RECORD`'s rows.
    rows: BTreeMap<String, (String, u64)>,
}

impl Installation<'_> {
    fn has(&self, path: &str) -> bool {
        self.rows.contains_key(&self.scheme.recorded(path))
    }

    fn add_made(&mut self, path: String, mode: Mode, bytes: Vec<u8>) {
        self.rows.insert(self.scheme.recorded(&path), (record::hash(&bytes), bytes.len() as u64));
        self.files.push(InstalledFile { path, mode, size: bytes.len() as u64, bytes: FileBytes::Made(bytes) });
    }

    fn add_member(
        &mut self,
        wheel: &mut WheelArchive,
        member: &Member,
        path: String,
        stated: &BTreeMap<String, String>,
        mode: Mode,
    ) -> Result<(), WheelError> {
        let hash = match stated.get(&member.path) {
            Some(hash) => hash.clone(),
            None => hash_member(wheel, member)?,
        };
        self.rows.insert(self.scheme.recorded(&path), (hash, member.size));
        self.files.push(InstalledFile { path, mode, size: member.size, bytes: FileBytes::Member(member.index) });
        Ok(())
    }

    /// Adds a script: most are a few lines, some are programs of many megabytes, of which only the beginning is looked at.
    fn add_script(
        &mut self,
        wheel: &mut WheelArchive,
        member: &Member,
        path: String,
        stated: &BTreeMap<String, String>,
    ) -> Result<(), WheelError> {
        let mut start = [0; 8];
        let filename = wheel.filename().to_owned();
        let invalid = |error: std::io::Error| WheelError::invalid(&filename, error.to_string());
        let has_placeholder = {
            let mut reader = wheel.open_member(member.index).map_err(invalid)?;
            member.size >= 8 && reader.read_exact(&mut start).map(|()| &start == b"#!python").map_err(invalid)?
        };
        match has_placeholder {
            false => self.add_member(wheel, member, path, stated, Mode::Executable),
            true => {
                let script = wheel.read(member.index)?;
                let pointed = entry_points::with_interpreter(&script, &self.scheme.interpreter).unwrap_or(script);
                self.add_made(path, Mode::Executable, pointed);
                Ok(())
            }
        }
    }

    fn finish(mut self, filename: &str, record_path: String) -> Result<Installed, WheelError> {
        let bytes = record::write(&self.rows, &self.scheme.recorded(&record_path))
            .map_err(|error| WheelError::invalid(filename, error.to_string()))?;
        self.files.push(InstalledFile {
            path: record_path,
            mode: Mode::Plain,
            size: bytes.len() as u64,
            bytes: FileBytes::Made(bytes),
        });
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let twice = self.files.windows(2).find(|pair| matches!(pair, [a, b] if a.path == b.path));
        match twice.and_then(|pair| pair.first()) {
            Some(file) => Err(WheelError::invalid(filename, format!("it installs `{}` twice", file.path))),
            None => Ok(Installed { files: self.files }),
        }
    }
}

/// Files that an installer writes itself, whatever the wheel holds under these names.
fn is_made_anew(path: &str, dist_info: &str) -> bool {
    let name = path.strip_prefix(dist_info).and_then(|rest| rest.strip_prefix('/'));
    matches!(name, Some("RECORD" | "RECORD.jws" | "RECORD.p7s" | "INSTALLER" | "REQUESTED" | "direct_url.json"))
}

/// Finds the one `.dist-info` folder, and checks that it is the locked distribution's.
fn dist_info(filename: &str, distribution: &str, members: &[Member]) -> Result<String, WheelError> {
    let mut folders: Vec<&str> = members
        .iter()
        .filter_map(|member| member.path.split_once('/'))
        .map(|(folder, _)| folder)
        .filter(|folder| folder.ends_with(".dist-info"))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    let [folder] = folders.as_slice() else {
        return Err(WheelError::invalid(filename, format!("it has {} `.dist-info` folders, not one", folders.len())));
    };
    let named = folder.strip_suffix(".dist-info").and_then(|name| name.rsplit_once('-')).map(|(name, _)| name);
    match named {
        Some(name) if normalized(name) == normalized(distribution) => Ok((*folder).to_owned()),
        _ => Err(WheelError::invalid(filename, format!("it is not `{distribution}`: it has `{folder}`"))),
    }
}

fn check_version(wheel: &mut WheelArchive, members: &[Member], dist_info: &str) -> Result<(), WheelError> {
    let path = format!("{dist_info}/WHEEL");
    let Some(member) = members.iter().find(|member| member.path == path) else {
        return Err(WheelError::invalid(wheel.filename(), "it has no WHEEL file"));
    };
    let bytes = wheel.read(member.index)?;
    let text = String::from_utf8_lossy(&bytes);
    let version = text.lines().find_map(|line| line.strip_prefix("Wheel-Version:")).map(str::trim).unwrap_or_default();
    match version.split('.').next() {
        Some("1") => Ok(()),
        _ => Err(WheelError::invalid(wheel.filename(), format!("its format is `{version}`, this program knows 1"))),
    }
}

fn scripts(
    wheel: &mut WheelArchive,
    members: &[Member],
    dist_info: &str,
    scheme: &Scheme,
) -> Result<Vec<(String, Vec<u8>)>, WheelError> {
    let path = format!("{dist_info}/entry_points.txt");
    let Some(member) = members.iter().find(|member| member.path == path) else { return Ok(Vec::new()) };
    let text = wheel.read(member.index)?;
    let mut scripts = BTreeMap::new();
    for entry in entry_points::parse(&String::from_utf8_lossy(&text)) {
        if entry_points::SCRIPT_GROUPS.contains(&entry.group.as_str()) {
            let script = entry_points::script(&scheme.interpreter, &entry.name, &entry.target)
                .map_err(|error| WheelError::invalid(wheel.filename(), error.to_string()))?;
            scripts.insert(format!("{}/bin/{}", scheme.prefix, entry.name), script);
        }
    }
    Ok(scripts.into_iter().collect())
}

fn hash_member(wheel: &mut WheelArchive, member: &Member) -> Result<String, WheelError> {
    let filename = wheel.filename().to_owned();
    let invalid = |error: std::io::Error| WheelError::invalid(&filename, error.to_string());
    let mut reader = wheel.open_member(member.index).map_err(invalid)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let given = reader.read(&mut buffer).map_err(invalid)?;
        if given == 0 {
            return Ok(record::of_sha256(&hasher.finalize()));
        }
        hasher.update(buffer.get(..given).unwrap_or_default());
    }
}

/// Returns a distribution's name as names are compared (PyPA name normalization).
pub(crate) fn normalized(name: &str) -> String {
    let parts: Vec<_> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}
