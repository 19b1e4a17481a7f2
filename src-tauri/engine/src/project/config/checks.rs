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

/// Refuses secrets that cannot be variables, or that stand in the same table in plain text.
pub(super) fn check_secrets(
    section: &Section<'_>,
    secrets: Option<&Located<Vec<String>>>,
    variables: &[(String, Located<String>)],
) -> Result<(), ProjectError> {
    let Some(secrets) = secrets else { return Ok(()) };
    for name in &secrets.value {
        if !is_variable(name) || name == "PORT" {
            let reason = "a secret is named as the variable that holds it".into();
            return Err(section.bad(
                "secrets",
                &secrets.at,
                &quoted(name),
                reason,
                "write `secrets = [\"DATABASE_URL\"]`".into(),
            ));
        }
        if let Some((_, value)) = variables.iter().find(|(variable, _)| variable == name) {
            return Err(ProjectError::Contradiction {
                at: value.at.clone(),
                message: format!("`{name}` is a secret of `{}` and stands in its `env` in plain text", section.path),
                hint: format!("remove it from `{}`, or from `secrets`", section.key("env")),
            });
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
