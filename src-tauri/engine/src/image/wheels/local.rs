//! The project itself in the image: its source below `/app`, and what makes it look installed.
//!
//! Its build backend is not run. A path file in the environment names its import roots, and a `.dist-info` folder tells name, version
//! and entry points, as an editable install would.

use std::collections::BTreeMap;

use super::install::{INSTALLER, Scheme, normalized};
use super::{LocalProject, WheelError, entry_points, record};
use crate::image::digest::key;
use crate::image::layer::{EPOCH, Mode, Node, Tree};
use crate::image::source::{SourceKind, SourceTree, TreeFile};

/// The folder of the source, and of the app's processes.
pub(crate) const WORKDIR: &str = "/app";

/// The shape of app layers: part of their key.
const FORMAT: &str = "1";

/// Seconds over which files' times are spread: up to the end of 2009, so that none is ever in the future.
const SPREAD: u64 = 30 * 365 * 24 * 60 * 60;

/// Returns what the app layer is known by.
pub(crate) fn layer_key(project: &LocalProject, source: &SourceTree, scheme: &Scheme) -> String {
    let made = made_files(project, scheme).map(|files| format!("{files:?}")).unwrap_or_default();
    key([FORMAT, source.fingerprint().as_str(), made.as_str()])
}

/// Lays out the app layer.
pub(crate) fn app_tree(project: &LocalProject, source: &SourceTree, scheme: &Scheme) -> Result<Tree<TreeFile>, WheelError> {
    let mut tree = source_tree(source, WORKDIR);
    // An app without a single file has its folder all the same: its processes start there. Nothing else is at that path.
    let _ = tree.insert(WORKDIR.trim_start_matches('/'), Node::Directory);
    for (path, (mode, bytes)) in made_files(project, scheme)? {
        let content = TreeFile::Made(bytes.clone());
        let node = Node::File { mode, size: bytes.len() as u64, time: EPOCH, content };
        tree.insert(&path, node).map_err(|clash| WheelError::invalid(&project.name, format!("`{}` is taken", clash.path)))?;
    }
    Ok(tree)
}

/// Lays out a source tree below a folder of the image.
pub(crate) fn source_tree(source: &SourceTree, folder: &str) -> Tree<TreeFile> {
    let mut tree = Tree::default();
    let folder = folder.trim_matches('/');
    for file in &source.files {
        let path = if folder.is_empty() { file.path.clone() } else { format!("{folder}/{}", file.path) };
        let node = match &file.kind {
            SourceKind::Link { target } => Node::Link { target: target.clone() },
            SourceKind::File { executable, size, digest } => Node::File {
                mode: executable.mode(),
                size: *size,
                time: time_of(digest),
                content: TreeFile::Source { path: file.path.clone(), digest: digest.clone() },
            },
        };
        // A tree on disk has each path once.
        if let Err(clash) = tree.insert(&path, node) {
            tracing::debug!(path = clash.path, "a path of the tree came twice");
        }
    }
    tree
}

/// A time that depends on the content alone, but changes with it: web servers make ETags of time and size.
fn time_of(digest: &str) -> u64 {
    let hex = digest.rsplit(':').next().and_then(|hex| hex.get(..8)).unwrap_or("0");
    EPOCH + u64::from_str_radix(hex, 16).unwrap_or_default() % SPREAD
}

/// The files that make the project look installed, by path.
fn made_files(project: &LocalProject, scheme: &Scheme) -> Result<BTreeMap<String, (Mode, Vec<u8>)>, WheelError> {
    let mut files = BTreeMap::new();
    let escaped = normalized(&project.name).replace('-', "_");
    let site_packages = scheme.site_packages();
    if !project.import_roots.is_empty() {
        let lines: Vec<_> = project.import_roots.iter().map(|root| below_workdir(root)).collect();
        files.insert(format!("{site_packages}/{escaped}.pth"), (Mode::Plain, format!("{}\n", lines.join("\n")).into_bytes()));
    }
    for (name, target) in &project.scripts {
        let script = entry_points::script(&scheme.interpreter, name, target)?;
        files.insert(format!("{}/bin/{name}", scheme.prefix), (Mode::Executable, script));
    }
    let Some(version) = &project.version else { return Ok(files) };
    let dist_info = format!("{site_packages}/{escaped}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {}\nVersion: {version}\n", project.name);
    let origin = format!("{{\"dir_info\": {{\"editable\": true}}, \"url\": \"file://{WORKDIR}\"}}\n");
    let mut add = |name: &str, bytes: Vec<u8>| drop(files.insert(format!("{dist_info}/{name}"), (Mode::Plain, bytes)));
    add("METADATA", metadata.into_bytes());
    add("INSTALLER", INSTALLER.to_vec());
    add("direct_url.json", origin.into_bytes());
    if let Some(text) = entry_points_text(project) {
        add("entry_points.txt", text.into_bytes());
    }
    let recorded =
        |(path, (_, bytes)): (&String, &(Mode, Vec<u8>))| (scheme.recorded(path), (record::hash(bytes), bytes.len() as u64));
    let rows = files.iter().map(recorded).collect();
    let record_path = format!("{dist_info}/RECORD");
    let record = record::write(&rows, &scheme.recorded(&record_path))
        .map_err(|error| WheelError::invalid(&project.name, error.to_string()))?;
    files.insert(record_path, (Mode::Plain, record));
    Ok(files)
}

fn entry_points_text(project: &LocalProject) -> Option<String> {
    let mut groups = project.entry_points.clone();
    if !project.scripts.is_empty() {
        groups.insert("console_scripts".to_owned(), project.scripts.clone());
    }
    let section = |(group, entries): (&String, &BTreeMap<String, String>)| {
        let lines: String = entries.iter().map(|(name, target)| format!("{name} = {target}\n")).collect();
        format!("[{group}]\n{lines}")
    };
    (!groups.is_empty()).then(|| groups.iter().map(section).collect::<Vec<_>>().join("\n"))
}

/// Returns where an import root lies in the image: `.` is the source folder itself.
pub(crate) fn below_workdir(root: &str) -> String {
    match root.trim_matches('/').trim_start_matches("./") {
        "" | "." => WORKDIR.to_owned(),
        root => format!("{WORKDIR}/{root}"),
    }
}
