//! `nonevent logs`

pub mod records;

use console::measure_text_width;
use jiff::Timestamp;
use nonevent_engine::logs::Filter;
use nonevent_engine::model::{EnvironmentName, InstanceId, LogLevel, LogLine};
use nonevent_engine::target::{Follow, LogQuery};
use serde_json::json;

use self::records::Moment;

use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::out::Reader;
use crate::paint::{Paint, Tone};
use crate::session::{Format, Session};
use crate::{args, help, json};

/// Print what the instances of an environment print, or find it again
///
/// Alone it reads lines from the engine, as long as the instances are there. With a filter it finds records in what is kept, of instances that are gone too,
/// and without an engine as far as that reaches; what was printed by now is kept first.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent logs -f -n 20", "the last 20 lines of each instance, and what comes"),
    ("nonevent logs --search status=500 --since 2h", "records with this field"),
    ("nonevent logs production --exceptions", "exceptions by their stack, new ones marked"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// Go on with what is printed from now on
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines of each instance; with a filter, so many records (100 unless given)
    #[arg(short = 'n', long, value_name = "N", value_parser = whole_number)]
    lines: Option<u32>,
    /// Only this instance, by its name or id as `status -v` shows it
    #[arg(long, value_name = "INSTANCE")]
    instance: Option<String>,
    /// Records with all of these: words, "a text", level>=warning, FIELD=VALUE, release:ID, process:NAME, instance:NAME
    #[arg(short, long, value_name = "QUERY", value_parser = query)]
    search: Option<Filter>,
    /// Records of this level or graver
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<LogLevel>,
    /// Records since then: `2h`, `7d`, or a time such as `2026-11-23T10:00Z`
    #[arg(long, value_name = "TIME", value_parser = records::moment)]
    since: Option<Moment>,
    /// Records until then
    #[arg(long, value_name = "TIME", value_parser = records::moment, conflicts_with = "follow")]
    until: Option<Moment>,
    /// Records of the release whose id begins with this
    #[arg(long, value_name = "RELEASE")]
    release: Option<String>,
    /// Records of this process
    #[arg(long, value_name = "PROCESS")]
    process: Option<String>,
    /// Records older than a page: its `next`
    #[arg(long, value_name = "PLACE", conflicts_with = "follow")]
    before: Option<String>,
    /// Exceptions by their stack, the last told first
    #[arg(long, conflicts_with_all = ["follow", "search", "level", "until", "release", "process", "before", "instance"])]
    exceptions: bool,
}

fn query(text: &str) -> Result<Filter, String> {
    Filter::read(text).map_err(|error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

fn level(text: &str) -> Result<LogLevel, String> {
    let found = Filter::read(&format!("level={text}")).ok().and_then(|filter| filter.levels?.first().copied());
    found.ok_or_else(|| "levels are debug, info, warning, error and critical".to_owned())
}

impl Args {
    /// Returns which records are asked for; none where lines are.
    fn filter(&self) -> Option<Filter> {
        let asked = self.search.is_some()
            || self.level.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || self.release.is_some()
            || self.process.is_some()
            || self.before.is_some();
        asked.then(|| self.any_filter())
    }

    fn any_filter(&self) -> Filter {
        let mut filter = self.search.clone().unwrap_or_default();
        if let Some(level) = self.level {
            filter = filter.at_least(level);
        }
        filter.since = self.since.map(|since| since.0);
        filter.until = self.until.map(|until| until.0);
        filter.release = self.release.clone().or(filter.release);
        filter.process = self.process.clone().or(filter.process);
        filter.instance = self.instance.clone().or(filter.instance);
        filter
    }
}

fn whole_number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("it must be a whole number up to {}", u32::MAX))
}

/// Prints logs.
///
/// # Errors
/// When the environment cannot be read.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    if args.exceptions {
        return records::exceptions(&args, session).await;
    }
    if let Some(filter) = args.filter() {
        return records::run(&args, filter, session).await;
    }
    let (engine, folder) = (session.engine()?, session.folder()?);
    let mut names = match args.instance {
        Some(_) => Names::Left,
        None => Names::Shown { width: 0 },
    };
    let query = LogQuery {
        instance: args.instance.clone().map(InstanceId::new),
        tail: args.lines,
        follow: match args.follow {
            true => Follow::Follow,
            false => Follow::Stop,
        },
    };
    let mut interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    let mut lines = match engine.logs(&folder, &args.environment, query).await {
        Ok(lines) => lines,
        // Without an engine there is still what is kept.
        Err(error)
            if error.problem.code == "engine_unreachable" && !args.follow && records::any_kept(&args, &engine, &folder).await =>
        {
            return records::run(&args, args.any_filter(), session).await;
        }
        Err(error) => return Err(error.into()),
    };
    let paint = session.view().paint;
    let mut told = false;
    loop {
        let line = tokio::select! {
            () = interrupts.next() => return Ok(Exit::Interrupted),
            line = lines.recv() => line,
        };
        let Some(line) = line else { break };
        let text = match session.format {
            Format::Json => json::line(Timestamp::now(), "line", &line),
            Format::Human => names.text(&line, paint),
        };
        told = true;
        if session.out.line(&text) == Reader::Gone {
            return Ok(Exit::Done);
        }
    }
    if !told {
        session.remark(&format!("{} has printed nothing; `nonevent status` shows what runs there", args.environment));
    }
    if session.format == Format::Json {
        session.answer("logs", json!({}), |_| String::new());
    }
    Ok(Exit::Done)
}

/// Whether lines bear the name of their instance.
#[derive(Debug)]
pub enum Names {
    /// They come from one that is known.
    Left,
    /// They do, in a column as wide as the widest so far.
    Shown {
        /// Columns.
        width: usize,
    },
}

impl Names {
    /// Returns the line as it is printed.
    pub fn text(&mut self, line: &LogLine, paint: Paint) -> String {
        match self {
            Self::Left => line.text.clone(),
            Self::Shown { width } => {
                let own = measure_text_width(&line.source);
                *width = own.max(*width);
                let name = paint.tone(Tone::Faint, &format!("{}{} |", line.source, " ".repeat(width.saturating_sub(own))));
                format!("{name} {}", line.text)
            }
        }
    }
}
