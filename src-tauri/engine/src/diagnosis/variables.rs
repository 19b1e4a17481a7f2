//! Variables that the app needs and does not have.

use super::case::{Case, Crash, Situation};
use super::log::between;
use super::traceback::Link;
use super::words::{listed, shown};
use crate::model::{Cause, Certainty, Suspect, VariableReader};

/// Recognises how libraries say that a variable is missing.
pub(super) fn exception(case: &Case<'_>, crash: &Crash<'_>, link: &Link) -> Option<Suspect> {
    let headline = link.headline();
    let named = |name: Option<&str>, reader| Some((vec![name?.trim_matches(['\'', '"', '`']).to_owned()], reader));
    let (names, reader) = match link.name() {
        // A key that any other mapping lacks says nothing about variables.
        "KeyError" if is_of_environ(link) => named(Some(headline), VariableReader::Environ),
        "KeyError" if headline.contains("is missing, and has no default") => {
            named(between(headline, "Config '", "'"), VariableReader::Other)
        }
        "ImproperlyConfigured" => named(between(headline, "Set the ", " environment variable"), VariableReader::DjangoEnviron),
        "UndefinedValueError" => named(headline.split_once(" not found.").map(|(name, _)| name), VariableReader::Decouple),
        "EnvError" => named(between(headline, "nvironment variable \"", "\" not set"), VariableReader::Other),
        "ValidationError" if is_of_settings(link) => Some((missing_fields(&link.message), VariableReader::Pydantic)),
        _ => None,
    }?;
    if names.is_empty() {
        return None;
    }
    let mut evidence = shown(case, link);
    if reader == VariableReader::Pydantic {
        // Without what pydantic prints of the values that it was given.
        evidence.extend(names.iter().map(|name| format!("{name}: field required")));
    }
    Some(suspect(case, crash.certainty, names, reader, evidence, case.own_place(link)))
}

/// Recognises a shell's `${NAME:?}` and `set -u`, which print one line.
pub(super) fn without_traceback(case: &Case<'_>) -> Option<Suspect> {
    let line = case.log.lines.iter().rev().find(|line| !line.trim().is_empty())?;
    let code = case.symptoms.examined.exit.filter(|_| case.situation == Situation::Ended)?.exit_code;
    let said = ["parameter not set", "parameter not set or null", "parameter null or not set", "unbound variable"];
    let head = said.iter().find_map(|words| line.trim_end().strip_suffix(&format!(": {words}")))?;
    let name = head.rsplit(": ").next()?.to_owned();
    let is_name = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    (code != 0 && is_name && !name.is_empty())
        .then(|| suspect(case, Certainty::Certain, vec![name], VariableReader::Shell, vec![line.clone()], None))
}

fn suspect(
    case: &Case<'_>,
    certainty: Certainty,
    names: Vec<String>,
    reader: VariableReader,
    mut evidence: Vec<String>,
    place: Option<crate::model::SourcePlace>,
) -> Suspect {
    let variables = match reader {
        VariableReader::Pydantic => names.iter().map(|name| case.variable_of(name)).collect(),
        _ => names.clone(),
    };
    let set = variables.iter().filter(|name| case.symptoms.examined.variables.contains(*name)).count();
    // It is there: something takes it away before the app looks.
    let certainty = if set == variables.len() { Certainty::Possible } else { certainty };
    if set < variables.len() && !case.symptoms.examined.variables.is_empty() {
        evidence.push(format!(
            "{} {} not among its variables",
            listed(&variables),
            if variables.len() == 1 { "is" } else { "are" }
        ));
    }
    let at = place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    let (variable, them) = if names.len() == 1 { ("variable", "it") } else { ("variables", "them") };
    let sentence = match reader {
        VariableReader::Pydantic => {
            let field = if names.len() == 1 { "field" } else { "fields" };
            format!(
                "the settings' {field} {} {} no value: set the {variable} {}{at}",
                listed(&names),
                if names.len() == 1 { "has" } else { "have" },
                listed(&variables)
            )
        }
        _ => format!("the {variable} {} {} not set{at}", listed(&names), if names.len() == 1 { "is" } else { "are" }),
    };
    let first = variables.first().cloned().unwrap_or_default();
    let fix = format!(
        "give {} to it: `env = {{ {first} = \"…\" }}` in the environment's configuration, or name {them} in its `secrets`",
        listed(&variables)
    );
    case.suspect(Cause::MissingVariable { names, reader, place }, certainty, sentence, evidence, fix)
}

impl Case<'_> {
    /// Guesses the variable of a settings' field: pydantic-settings reads names without regard to case, after the class's prefix.
    fn variable_of(&self, field: &str) -> String {
        let prefix = self.symptoms.source.as_ref().and_then(|source| source.settings_prefix.clone()).unwrap_or_default();
        format!("{prefix}{field}").to_uppercase().replace('.', "__")
    }
}

/// Tells whether the mapping that lacks the key is `os.environ`.
fn is_of_environ(link: &Link) -> bool {
    let inside = |file: &str| file == "<frozen os>" || file.ends_with("/os.py");
    link.frames.last().is_some_and(|frame| inside(&frame.file) && frame.function.as_deref() == Some("__getitem__"))
}

fn is_of_settings(link: &Link) -> bool {
    let of_package = |frame: &super::traceback::Frame| {
        frame.file.contains("/pydantic_settings/") || frame.file.ends_with("/pydantic/env_settings.py")
    };
    link.frames.iter().any(of_package)
}

/// Reads the fields that are missing from pydantic's message: a line with the name, then one with the reason.
fn missing_fields(message: &str) -> Vec<String> {
    let lines: Vec<&str> = message.lines().collect();
    lines
        .windows(2)
        .filter_map(|pair| match pair {
            [name, reason] if reason.starts_with(' ') && !name.starts_with(' ') => {
                let reason = reason.trim_start().to_lowercase();
                reason.starts_with("field required").then(|| name.trim().to_owned())
            }
            _ => None,
        })
        .collect()
}
