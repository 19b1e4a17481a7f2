//! Usage errors in the words and the form of every other error.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use nonevent_engine::model::Problem;

/// Returns what is wrong with the arguments, given to this verb if any, and what was probably meant.
pub fn problem(error: &clap::Error, verb: Option<&str>) -> Problem {
    let mut hints: Vec<String> = suggestions(error).into_iter().map(|text| format!("did you mean `{text}`?")).collect();
    if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) {
        hints.extend(tips.iter().map(|tip| backticked(&tip.to_string())));
    }
    if let Some(possible) = list(error, ContextKind::ValidValue) {
        hints.push(format!("it is one of {}", quoted(&possible)));
    }
    if verb == Some("exec")
        && list(error, ContextKind::InvalidArg).is_some_and(|names| names.iter().any(|name| name.contains("COMMAND")))
    {
        hints.push("put the command after `--`".into());
    }
    hints.push(match verb {
        Some(verb) => format!("`nonevent {verb} --help` shows what can be given"),
        None => "`nonevent --help` lists the verbs".into(),
    });
    Problem { code: "usage".into(), message: message(error), causes: Vec::new(), hints, details: Vec::new(), diagnosis: None }
}

fn message(error: &clap::Error) -> String {
    let argument = text(error, ContextKind::InvalidArg).map(|argument| spelled(&argument)).unwrap_or_default();
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            format!("there is no verb `{}`", text(error, ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::UnknownArgument => format!("there is no argument `{argument}` here"),
        ErrorKind::MissingRequiredArgument => {
            let missing = list(error, ContextKind::InvalidArg).unwrap_or_default();
            let missing: Vec<String> = missing.iter().map(|argument| spelled(argument)).collect();
            format!("{} must be given", quoted(&missing))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{argument}` needs a value"),
        ErrorKind::InvalidValue => format!("`{value}` is no value for `{argument}`"),
        ErrorKind::ValueValidation => match std::error::Error::source(error) {
            Some(reason) => format!("`{value}` is no value for `{argument}`: {reason}"),
            None => format!("`{value}` is no value for `{argument}`"),
        },
        ErrorKind::ArgumentConflict => match list(error, ContextKind::PriorArg) {
            Some(prior) if prior.iter().all(|other| spelled(other) == argument) => format!("`{argument}` is given twice"),
            Some(prior) => {
                let prior: Vec<String> = prior.iter().map(|other| spelled(other)).collect();
                format!("`{argument}` cannot be given together with {}", quoted(&prior))
            }
            None => format!("`{argument}` cannot be given together with the others"),
        },
        _ => first_line(error),
    }
}

/// `--env <ENVIRONMENT>` as it is typed, `<COMMAND>...` as it is named.
fn spelled(argument: &str) -> String {
    match argument.strip_prefix("--") {
        Some(_) => argument.split([' ', '=', '.']).next().unwrap_or(argument).to_owned(),
        None => argument.replace("...", "…"),
    }
}

fn suggestions(error: &clap::Error) -> Vec<String> {
    [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
        .into_iter()
        .filter_map(|kind| list(error, kind))
        .flatten()
        .collect()
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn list(error: &clap::Error, kind: ContextKind) -> Option<Vec<String>> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(vec![text.clone()]),
        ContextValue::Strings(texts) if !texts.is_empty() => Some(texts.clone()),
        _ => None,
    }
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn backticked(text: &str) -> String {
    text.replace('\'', "`")
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    backticked(line.strip_prefix("error: ").unwrap_or(line))
}
