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

/// What a configuration says about secrets.
#[derive(Debug, Default)]
pub(in crate::project) struct SecretsSection {
    /// Their names.
    pub names: Option<Located<Vec<String>>>,
    /// Commands that print their values.
    pub commands: Vec<(String, Located<String>)>,
}

/// Reads `secrets`: a list of names, or a table of names, each with a command that prints its value where the vault keeps none.
pub(super) fn read_secrets(section: &Section<'_>) -> Result<SecretsSection, ProjectError> {
    let Some((at, value)) = section.any("secrets") else { return Ok(SecretsSection::default()) };
    if value.as_table().is_none() {
        return Ok(SecretsSection { names: section.strings("secrets")?, commands: Vec::new() });
    }
    let Some(table) = section.section("secrets")? else { return Ok(SecretsSection::default()) };
    let (mut names, mut commands) = (Vec::new(), Vec::new());
    for entry in table.entries() {
        let inner = table.named(&entry)?;
        let command = inner.string("command")?;
        inner.finish()?;
        if let Some(command) = command {
            if shlex::split(&command.value).is_none_or(|words| words.is_empty()) {
                let reason = "it names no program, or its quotes do not match".into();
                let hint = "write `command = \"op read op://vault/item/field\"`".into();
                return Err(inner.bad("command", &command.at, &quoted(&command.value), reason, hint));
            }
            commands.push((entry.name.clone(), command));
        }
        names.push(entry.name);
    }
    Ok(SecretsSection { names: Some(Located::new(names, at)), commands })
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
