//! `nonevent logs` with a filter: records of what is kept, and exceptions by their stack.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use nonevent_engine::Engine;
use nonevent_engine::logs::Filter;
use nonevent_engine::model::{ExceptionGroup, LogFrame, LogLevel, LogReach, LogRecord};
use serde_json::json;

use super::Args;
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::json;
use crate::out::Reader;
use crate::paint::{Paint, Tone};
use crate::session::{Format, Session, View};
use crate::words::{age, counted};

/// Records of a page, unless a number is given.
const USUAL: u32 = 100;
/// Exceptions that are shown to people.
const GROUPS: usize = 20;

/// A moment that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

/// Reads `2h`, `7d` or a time.
///
/// # Errors
/// When it is neither, in words.
pub fn moment(text: &str) -> Result<Moment, String> {
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let days =
        |days: i64| number.parse::<i64>().ok().and_then(|count| SignedDuration::try_from_hours(count.checked_mul(24 * days)?));
    let back = match unit {
        "d" => days(1),
        "w" => days(7),
        _ => text.parse::<SignedDuration>().ok(),
    };
    let at = match back {
        Some(back) if !back.is_negative() => Timestamp::now().checked_sub(back).ok(),
        _ => text.parse::<Timestamp>().ok(),
    };
    at.map(Moment).ok_or_else(|| "write `2h`, `7d` or `2026-11-23T10:00:00Z`".to_owned())
}

/// Tells whether anything of an environment is kept.
pub(super) async fn any_kept(args: &Args, engine: &Engine, folder: &Path) -> bool {
    let page = engine.log_records(folder, &args.environment, Filter::default(), None, 1).await;
    page.is_ok_and(|page| !page.records.is_empty())
}

/// Prints records: of what is kept, and then of what comes when that is asked for.
///
/// # Errors
/// When the environment or what is kept of it cannot be read.
pub(super) async fn run(args: &Args, filter: Filter, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let mut interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    // Asked for first: between a page and what comes after it nothing is missed.
    let live = match args.follow {
        true => Some(engine.follow_records(&folder, &args.environment, filter.clone()).await?),
        false => None,
    };
    let limit = args.lines.unwrap_or(USUAL);
    let page = match limit {
        0 if args.follow => None,
        _ => Some(engine.log_records(&folder, &args.environment, filter, args.before.as_deref(), limit).await?),
    };
    let view = session.view();
    // The last line of each instance comes first, for it to be known where to go on.
    let mut last = page.is_none().then(|| Timestamp::now().to_string());
    if let Some(page) = &page {
        last = page.records.first().map(|record| record.at.clone());
        // People read the newest last, where their eyes are; programs take a page as it is.
        let records: Vec<&LogRecord> = match session.format {
            Format::Human => page.records.iter().rev().collect(),
            Format::Json => page.records.iter().collect(),
        };
        for record in records {
            if print(record, session, view.paint) == Reader::Gone {
                return Ok(Exit::Done);
            }
        }
        if let Some(next) = page.next.as_ref().filter(|_| live.is_none()) {
            session.remark(&format!("older ones fit as well: `--before {next}`, or more with `-n`"));
        }
        if page.records.is_empty() && live.is_none() {
            session.remark("no record that is kept fits");
        }
        tell_reach(&page.reach, session);
    }
    let Some(mut live) = live else {
        if let (Format::Json, Some(page)) = (session.format, &page) {
            session.answer("logs", json!({ "next": page.next, "reach": page.reach }), |_| String::new());
        }
        return Ok(Exit::Done);
    };
    loop {
        let record = tokio::select! {
            () = interrupts.next() => return Ok(Exit::Interrupted),
            record = live.recv() => record,
        };
        let Some(record) = record else { return Ok(Exit::Done) };
        // It may be on the page already.
        if last.as_ref().is_some_and(|last| record.at <= *last) {
            continue;
        }
        if print(&record, session, view.paint) == Reader::Gone {
            return Ok(Exit::Done);
        }
    }
}

/// Prints exceptions by their stack.
///
/// # Errors
/// When the environment or what is kept of it cannot be read.
pub(super) async fn exceptions(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let since = args.since.map(|since| since.0);
    let (mut groups, reach) = engine.exception_groups(&folder, &args.environment, since).await?;
    if let Some(limit) = args.lines {
        groups.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    tell_reach(&reach, session);
    session.answer("logs", json!({ "exceptions": groups, "reach": reach }), |view| exceptions_text(&groups, view));
    Ok(Exit::Done)
}

fn tell_reach(reach: &LogReach, session: &mut Session) {
    if let Some(behind) = &reach.behind {
        let last =
            reach.last.as_deref().map_or("nothing is kept".to_owned(), |last| format!("what is kept ends at {}", second(last)));
        session.remark(&format!("{last}: {behind}"));
    }
}

fn print(record: &LogRecord, session: &mut Session, paint: Paint) -> Reader {
    let text = match session.format {
        Format::Json => json::line(record.at.parse().unwrap_or_else(|_| Timestamp::now()), "record", record),
        Format::Human => record_text(record, paint),
    };
    session.out.line(&text)
}

/// Returns a record as it is printed: when, how grave, who, what; further lines below.
pub fn record_text(record: &LogRecord, paint: Paint) -> String {
    let (tone, word) = match record.level {
        None => (Tone::Faint, "-"),
        Some(level @ LogLevel::Debug) => (Tone::Faint, level.word()),
        Some(level @ LogLevel::Info) => (Tone::Good, level.word()),
        Some(level @ LogLevel::Warning) => (Tone::Warn, level.word()),
        Some(level @ (LogLevel::Error | LogLevel::Critical)) => (Tone::Bad, level.word()),
    };
    let time = record.at.get(..23).unwrap_or(&record.at).replace('T', " ");
    let logger = record.logger.as_ref().map(|logger| format!("{logger}: ")).unwrap_or_default();
    let hidden = ["timestamp", "time", "asctime", "ts"];
    let fields: Vec<String> = record
        .fields
        .iter()
        .filter(|field| !hidden.contains(&field.name.as_str()) && !field.value.contains('\n') && field.value.len() <= 200)
        .map(|field| paint.tone(Tone::Faint, &format!("{}={}", field.name, quoted(&field.value))))
        .collect();
    let fields = if fields.is_empty() { String::new() } else { format!("  {}", fields.join(" ")) };
    let head = format!(
        "{} {} {} {logger}{}{fields}",
        paint.tone(Tone::Faint, &time),
        paint.tone(tone, &format!("{word:8}")),
        paint.tone(Tone::Faint, &record.instance),
        record.message
    );
    let printed = record.fields.iter().find(|field| field.value.contains("Traceback (most recent call last)"));
    let more = match (&record.exception, printed) {
        (Some(_), Some(field)) => field.value.as_str(),
        // A traceback alone has its own last line as its message.
        (Some(_), None) if record.text.starts_with("Traceback") => record.text.as_str(),
        _ => record.text.split_once('\n').map_or("", |(_, more)| more),
    };
    more.lines().fold(head, |text, line| format!("{text}\n    {line}"))
}

fn quoted(value: &str) -> String {
    if value.contains(' ') || value.is_empty() { format!("{value:?}") } else { value.to_owned() }
}

/// Returns exceptions as they are printed: how often, since when, where, and the last one of the first few.
pub fn exceptions_text(groups: &[ExceptionGroup], view: View) -> String {
    if groups.is_empty() {
        return "no exception is kept".into();
    }
    let mut lines = Vec::new();
    for group in groups.iter().take(GROUPS) {
        let new = if group.is_new { format!("  {}", view.paint.tone(Tone::Bad, "new in this release")) } else { String::new() };
        let message = group.message.lines().next().unwrap_or_default();
        lines.push(format!("{} {}: {message}{new}", view.paint.tone(Tone::Bad, "✗"), group.kind));
        let releases: Vec<&str> = group.releases.iter().map(|release| release.as_str()).collect();
        lines.push(format!(
            "    {}, last {} ago, first {} ago; {}",
            counted(usize::try_from(group.count).unwrap_or(usize::MAX), "time"),
            age(&group.last_at, view.now),
            age(&group.first_at, view.now),
            releases.join(", ")
        ));
        let own = group.frames.iter().rfind(|frame| frame.own);
        let place = own.or(group.frames.last()).map(place);
        lines.extend(place.map(|place| format!("    {place}")));
    }
    if groups.len() > GROUPS {
        lines.push(format!("and {} more: `--json` for all, or a shorter `--since`", groups.len() - GROUPS));
    }
    if let Some(last) = groups.first() {
        lines.push(String::new());
        lines.push("the last one:".to_owned());
        lines.extend(last.example.lines().map(|line| format!("    {line}")));
    }
    lines.join("\n")
}

fn place(frame: &LogFrame) -> String {
    let function = frame.function.as_deref().map(|function| format!(" in {function}")).unwrap_or_default();
    format!("{}:{}{function}", frame.file, frame.line)
}

fn second(at: &str) -> &str {
    at.get(..19).unwrap_or(at)
}
