//! Files of the project in a service's container: copied, so that nothing a service does reaches the project.

use std::collections::BTreeSet;

use crate::model::ServiceFile;

/// Packs files for the root of a container; nobody may write to them.
///
/// # Errors
/// Which file cannot be read, and why.
pub(super) fn archive(files: &[ServiceFile]) -> Result<Vec<u8>, String> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut seen = BTreeSet::new();
    for file in files {
        let path = file.target.trim_start_matches('/');
        if !seen.insert(path) {
            continue;
        }
        let unreadable = |error: std::io::Error| format!("`{}` cannot be read: {error}", file.source.display());
        let content = std::fs::read(file.root.join(&file.source)).map_err(unreadable)?;
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(if file.executable { 0o555 } else { 0o444 });
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content.as_slice()).map_err(unreadable)?;
    }
    archive.into_inner().map_err(|error| error.to_string())
}
