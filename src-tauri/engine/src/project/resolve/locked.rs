//! The names of distributions in a project's lock files, read line by line: enough to know which server an image will hold.
//!
//! Whether the lock is fresh and whole is the lock stage's business.

use std::collections::BTreeSet;
use std::path::Path;

use crate::project::document::read_text;
use crate::project::manifest::{Manifest, RequirementFormat, normal, requirement_name};

/// Lock files in TOML; each has `name = "…"` on a line of its own for every package.
const TOML_LOCKS: [&str; 3] = ["uv.lock", "poetry.lock", "pylock.toml"];

/// Collects the names; a file that cannot be read has none.
pub(super) fn names(root: &Path, manifest: &Manifest) -> BTreeSet<String> {
    let above = manifest.workspace.as_ref().map(|workspace| workspace.root.as_path()).filter(|above| *above != root);
    let mut found = BTreeSet::new();
    for folder in [Some(root), above].into_iter().flatten() {
        for file in TOML_LOCKS {
            let text = read_text(folder, Path::new(file)).ok().flatten().unwrap_or_default();
            let names = text.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
            found.extend(names.map(normal));
        }
    }
    let own = manifest.requirements.iter().filter(|file| file.group.is_none() && file.format == RequirementFormat::Text);
    for file in own {
        let text = read_text(root, &file.path).ok().flatten().unwrap_or_default();
        found.extend(text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric())).map(requirement_name));
    }
    found
}
