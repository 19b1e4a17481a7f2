//! `nonevent logs`

use console::measure_text_width;
use jiff::Timestamp;
use nonevent_engine::model::{EnvironmentName, InstanceId, LogLine};
use nonevent_engine::target::{Follow, LogQuery};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::out::Reader;
use crate::paint::{Paint, Tone};
use crate::session::{Format, Session};
use crate::{args, help, json};

/// Print what the instances of an environment print
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent logs", "everything that `local` has kept"),
    ("nonevent logs -f -n 20", "the last 20 lines of each instance, and what comes"),
    ("nonevent logs production --json", "one object a line"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// Go on with what is printed from now on
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines of each instance
    #[arg(short = 'n', long, value_name = "N", value_parser = whole_number)]
    lines: Option<u32>,
    /// Only this instance, by its name or id as `status -v` shows it
    #[arg(long, value_name = "INSTANCE")]
    instance: Option<String>,
}

fn whole_number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("it must be a whole number up to {}", u32::MAX))
}

/// Prints logs.
///
/// # Errors
/// When the environment cannot be read.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let mut names = match args.instance {
        Some(_) => Names::Left,
        None => Names::Shown { width: 0 },
    };
    let query = LogQuery {
        instance: args.instance.map(InstanceId::new),
        tail: args.lines,
        follow: match args.follow {
            true => Follow::Follow,
            false => Follow::Stop,
        },
    };
    let mut interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    let mut lines = engine.logs(&folder, &args.environment, query).await?;
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
