//! From the process's arguments to its exit code.

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;
use jiff::Timestamp;
use nonevent_engine::model::Problem;

use crate::args::{Cli, Global};
use crate::error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::{Format, Session};
use crate::{help, json, problem, usage, verbs};

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(tell_panic));
    nonevent_engine::process::write_no_core();
    std::panic::catch_unwind(|| run(std::env::args_os().collect())).unwrap_or(Exit::Ours).into()
}

fn run(arguments: Vec<OsString>) -> Exit {
    choose_colour(&arguments);
    let parsed = help::command().try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(Cli { global, verb: Some(verb) }) => {
            start_log(&global);
            perform(verb, Session::new(&global))
        }
        Ok(Cli { verb: None, .. }) => {
            let help = help::command().render_help();
            print_styled(&help);
            Exit::Done
        }
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            print_styled(&error.render());
            Exit::Done
        }
        Err(error) => {
            let verb = typed_verb(&arguments);
            let error = CliError::Usage(Box::new(usage::problem(&error, verb)));
            let format = match before_separator(&arguments).any(|word| word == "--json") {
                true => Format::Json,
                false => Format::Human,
            };
            tell_error(&error, verb, format, &mut Out::stdout(), &mut Out::stderr())
        }
    }
}

fn perform(verb: verbs::Verb, mut session: Session) -> Exit {
    let name = verb.name();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = CliError::Setup(error);
            return tell_error(&error, Some(name), session.format, &mut session.out, &mut session.err);
        }
    };
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(verbs::run(verb, &mut session))));
    // Whatever still runs is not waited for: a second Ctrl-C ends the process at once, and a blocked read would hold it for ever.
    runtime.shutdown_background();
    let exit = match result {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => tell_error(&error, Some(name), session.format, &mut session.out, &mut session.err),
        Err(_) => {
            if session.format == Format::Json {
                session.out.line(&json::failure(Timestamp::now(), Some(name), &defect(), Exit::Ours));
            }
            Exit::Ours
        }
    };
    match session.out.take_failure() {
        Some(source) => {
            let error = CliError::CannotWrite { file: None, source };
            tell_error(&error, Some(name), Format::Human, &mut session.out, &mut session.err)
        }
        None => exit,
    }
}

/// To programs as the stream's last line, to people in any case.
pub(crate) fn tell_error(error: &CliError, verb: Option<&str>, format: Format, out: &mut Out, err: &mut Out) -> Exit {
    let exit = Exit::from(error.fault());
    let told = error.problem();
    if format == Format::Json {
        out.line(&json::failure(Timestamp::now(), verb, &told, exit));
    }
    err.line(&problem::render(&told, anstream::AutoStream::choice(&std::io::stderr()).into()));
    exit
}

fn defect() -> Problem {
    Problem {
        code: "defect".into(),
        message: "nonevent met a fault of its own".into(),
        causes: Vec::new(),
        hints: vec!["run it again with `NONEVENT_LOG=debug` and report what it prints; what served goes on serving".into()],
        details: Vec::new(),
        diagnosis: None,
    }
}

fn tell_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let what = panic.payload_as_str().unwrap_or("no reason given");
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    let told = Problem { causes: vec![format!("{what}{place}")], ..defect() };
    Out::stderr().line(&problem::render(&told, anstream::AutoStream::choice(&std::io::stderr()).into()));
}

fn print_styled(text: &clap::builder::StyledStr) {
    let text = match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => text.to_string(),
        _ => text.ansi().to_string(),
    };
    Out::stdout().raw(text.as_bytes());
}

/// Before the arguments are parsed, because help and usage errors bear colour too.
fn choose_colour(arguments: &[OsString]) {
    let mut words = before_separator(arguments);
    let mut choice = None;
    while let Some(word) = words.next() {
        choice = match word.strip_prefix("--color") {
            Some("") => words.next(),
            Some(value) => value.strip_prefix('=').or(choice),
            None => choice,
        };
    }
    match choice {
        Some("always") => anstream::ColorChoice::Always.write_global(),
        Some("never") => anstream::ColorChoice::Never.write_global(),
        _ => {}
    }
}

/// What stands before `--` belongs to us, what comes after to the command that `exec` runs.
fn before_separator(arguments: &[OsString]) -> impl Iterator<Item = &str> {
    arguments.iter().skip(1).map(|word| word.to_str().unwrap_or_default()).take_while(|word| *word != "--")
}

/// The verb among arguments that could not be parsed.
fn typed_verb(arguments: &[OsString]) -> Option<&str> {
    let known = help::GROUPS.iter().flat_map(|(_, verbs)| verbs.iter());
    before_separator(arguments).find(|word| known.clone().any(|verb| verb == word))
}

/// What speaks to engines and registries would log what it sends, and that holds the values of secrets: it is never asked to.
const WIRE: &str = "bollard=info,h2=info,hyper=info,hyper_util=info,tonic=info,tower=info,reqwest=info,rustls=info";

/// Nothing is logged unless it is asked for: errors and warnings reach people as such.
fn start_log(global: &Global) {
    let filter = match (std::env::var("NONEVENT_LOG"), global.verbose) {
        (Ok(filter), _) if !filter.is_empty() => filter,
        (_, 2..) => "nonevent=debug,nonevent_engine=debug".into(),
        _ => return,
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("{filter},{WIRE}"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
        .with_writer(std::io::stderr);
    // Fails only when another subscriber is set, and none is.
    let _ = subscriber.try_init();
}
