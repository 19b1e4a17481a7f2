//! An exception that ended the instance, or the request of the probe: what it means, or at least where it was raised.

use super::case::{Case, Crash};
use super::traceback::{Led, Link};
use super::words::shown;
use super::{database, files, imports, ports, variables};
use crate::model::{Cause, Certainty, Moment, Suspect};

/// What an exception may mean.
type Meaning = fn(&Case<'_>, &Crash<'_>, &Link) -> Option<Suspect>;

/// The more special ones first.
const MEANINGS: [Meaning; 8] = [
    variables::exception,
    imports::library,
    imports::exception,
    files::static_files,
    files::denied,
    database::not_migrated,
    database::unreachable,
    ports::in_use,
];

pub(super) fn suspects(case: &Case<'_>) -> Vec<Suspect> {
    let mut found: Vec<Suspect> =
        imports::without_traceback(case).into_iter().chain(variables::without_traceback(case)).collect();
    if let Some(crash) = case.crash() {
        match meaning(case, &crash) {
            Some(suspect) => found.push(suspect),
            None => found.extend(uncaught(case, &crash)),
        }
    } else if found.is_empty() {
        found.extend(database::without_exception(case));
    }
    found
}

/// The exception that counted says most; what led to it directly counts as well, what was merely being handled less.
fn meaning(case: &Case<'_>, crash: &Crash<'_>) -> Option<Suspect> {
    let links = &crash.traceback.links;
    let of = |link: &Link| MEANINGS.iter().find_map(|meaning| meaning(case, crash, link));
    let last = crash.traceback.last().and_then(of);
    let direct = || links.iter().rev().skip(1).filter(|link| link.led == Led::Directly).find_map(of);
    let handled = || {
        let handled = links.iter().rev().skip(1).filter(|link| link.led == Led::WhileHandled).find_map(of);
        handled.map(|suspect| Suspect { certainty: suspect.certainty.max(Certainty::Likely), ..suspect })
    };
    last.or_else(direct).or_else(handled)
}

fn uncaught(case: &Case<'_>, crash: &Crash<'_>) -> Option<Suspect> {
    let link = crash.traceback.last()?;
    // Memory has a cause of its own; whoever exits by an exception meant it.
    if matches!(link.name(), "MemoryError" | "KeyboardInterrupt") {
        return None;
    }
    let place = case.own_place(link);
    let frame = link.frames.last();
    let (file, line) = match (&place, frame) {
        (Some(place), _) => (Some(place.file.clone()), Some(place.line)),
        (None, Some(frame)) => (Some(frame.file.clone()), Some(frame.line)),
        (None, None) => (None, None),
    };
    let at = file.as_ref().zip(line).map(|(file, line)| format!(" at {file}:{line}")).unwrap_or_default();
    let when = match crash.during {
        Moment::Start => "ended its start",
        Moment::Request => "broke the answer to the probe",
    };
    let sentence = format!("{} {when}{at}: {}", with_article(link.name()), or_nothing(link.headline()));
    let fix = match &place {
        Some(place) => format!("mend {place}"),
        None => "read the last lines: the exception was raised in a package, by what the app asked of it".to_owned(),
    };
    let cause = Cause::UncaughtException {
        exception: link.exception.clone(),
        message: link.headline().to_owned(),
        file,
        line,
        during: crash.during,
    };
    Some(case.suspect(cause, crash.certainty, sentence, shown(case, link), fix))
}

fn with_article(name: &str) -> String {
    let vowel = name.starts_with(['A', 'E', 'I', 'O', 'U']);
    format!("{} {name}", if vowel { "an" } else { "a" })
}

fn or_nothing(message: &str) -> &str {
    if message.is_empty() { "it says no more" } else { message }
}
