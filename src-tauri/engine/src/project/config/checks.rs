//! Checks that several tables of the configuration share.

use crate::project::names::{dns_label, is_label, is_variable};
use crate::project::section::{Entry, Section, quoted};
use crate::project::{Located, ProjectError};

/// Refuses an entry whose name is no DNS label.
pub(super) fn check_label(section: &Section<'_>, entry: &Entry<'_>) -> Result<(), ProjectError> {
    if is_label(&entry.name) {
        return Ok(());
    }
    let hint = dns_label(&entry.name)
        .map_or_else(|| "use 1 to 63 small letters, digits and hyphens".into(), |label| format!("call it `{label}`"));
    let reason = "its name becomes part of host names, so it must be of small letters, digits and hyphens".into();
    Err(ProjectError::BadValue { at: entry.at.clone(), key: section.key(&entry.name), value: "named so".into(), reason, hint })
}

/// Refuses variables that cannot be set, or that Nonevent sets itself.
pub(super) fn check_variables(path: &str, variables: &[(String, Located<String>)]) -> Result<(), ProjectError> {
    for (name, value) in variables {
        let refuse = |reason: &str, hint: &str| {
            Err(ProjectError::BadValue {
                at: value.at.clone(),
                key: format!("{path}.{name}"),
                value: "set".into(),
                reason: reason.into(),
                hint: hint.into(),
            })
        };
        if !is_variable(name) {
            return refuse("a variable's name has letters, digits and underscores only", "rename it");
        }
        if name == "PORT" {
            return refuse("Nonevent sets it to the port that the process listens on", "set `app.port` instead");
        }
        if value.value.contains('\0') {
            return refuse("no variable can hold a NUL character", "remove it");
        }
    }
    Ok(())
}

/// Reads one of several words.
pub(super) fn word<T: Copy>(
    section: &Section<'_>,
    key: &'static str,
    words: &[(&str, T)],
) -> Result<Option<Located<T>>, ProjectError> {
    let Some(found) = section.string(key)? else { return Ok(None) };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == found.value) {
        return Ok(Some(Located::new(*value, found.at)));
    }
    let list: Vec<_> = words.iter().map(|(word, _)| format!("`{key} = \"{word}\"`")).collect();
    let hint = format!("write {}", list.join(" or "));
    Err(section.bad(key, &found.at, &quoted(&found.value), "there is no such choice".into(), hint))
}
