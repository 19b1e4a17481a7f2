//! `nonevent exec`

use std::io::{self, IsTerminal, Read};

use jiff::Timestamp;
use nonevent_engine::EngineError;
use nonevent_engine::model::{EnvironmentName, LogStream};
use nonevent_engine::request::ExecRequest;
use nonevent_engine::target::Terminal;
use serde_json::json;
use tokio::sync::mpsc;

use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::out::Reader;
use crate::session::{Format, Session};
use crate::terminal::RawMode;
use crate::{args, help, json};

/// Run a command in the release that serves; ends with the command's own exit code
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent exec -- python manage.py check", "in `local`"),
    ("nonevent exec -it -- python", "a prompt"),
    ("nonevent exec production -- env", "in another environment"),
]))]
pub struct Args {
    /// The environment
    #[arg(default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// Send standard input
    #[arg(short, long)]
    interactive: bool,
    /// Attach a terminal; sends standard input too
    #[arg(short, long, conflicts_with = "json")]
    tty: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs a command.
///
/// # Errors
/// When nothing serves there, the command cannot be started, or `-t` finds no terminal.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let terminal = terminal(&args)?;
    let mut interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    let request = ExecRequest { environment: args.environment, command: args.command, terminal };
    let mut exec = engine.exec(&folder, request).await?;
    let raw = match terminal {
        Terminal::Attached { .. } => Some(RawMode::enter().map_err(CliError::Terminal)?),
        Terminal::None | Terminal::Input => None,
    };
    if let Some(input) = exec.input.take() {
        send_input(input);
    }
    if let Some(sizes) = exec.resize.take() {
        tokio::spawn(follow_size(sizes));
    }
    loop {
        let chunk = tokio::select! {
            () = interrupts.next() => return Ok(Exit::Interrupted),
            chunk = exec.output.recv() => chunk,
        };
        let Some((stream, bytes)) = chunk else { break };
        if show(session, stream, &bytes) == Reader::Gone {
            return Ok(Exit::Done);
        }
    }
    let code = exec.exit.await.map_err(|_| CliError::RunVanished)?.map_err(EngineError::from)?;
    drop(raw);
    if session.format == Format::Json {
        session.answer("exec", json!({ "exit_code": code }), |_| String::new());
    }
    Ok(Exit::Command(shell_code(code)))
}

fn terminal(args: &Args) -> Result<Terminal, CliError> {
    match (args.tty, args.interactive) {
        (true, _) if !io::stdin().is_terminal() || !io::stdout().is_terminal() => Err(CliError::NoTerminal),
        (true, _) => {
            let (rows, columns) = console::Term::stdout().size();
            Ok(Terminal::Attached { columns, rows })
        }
        (false, true) => Ok(Terminal::Input),
        (false, false) => Ok(Terminal::None),
    }
}

/// A thread of its own, because a read of standard input cannot be called off; it ends with the process.
fn send_input(input: mpsc::Sender<Vec<u8>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = io::stdin().read(&mut buffer) {
            let chunk = buffer.get(..count).unwrap_or_default().to_vec();
            if input.blocking_send(chunk).is_err() {
                return;
            }
        }
    });
}

/// Tells the other side whenever this terminal changes its size.
#[cfg(unix)]
async fn follow_size(sizes: mpsc::Sender<(u16, u16)>) {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut changes) = signal(SignalKind::window_change()) else { return };
    while changes.recv().await.is_some() {
        let (rows, columns) = console::Term::stdout().size();
        if sizes.send((columns, rows)).await.is_err() {
            return;
        }
    }
}

/// Windows tells nobody that a console changed its size.
#[cfg(not(unix))]
async fn follow_size(_sizes: mpsc::Sender<(u16, u16)>) {}

fn show(session: &mut Session, stream: LogStream, bytes: &[u8]) -> Reader {
    match (session.format, stream) {
        (Format::Json, _) => {
            let data = json!({ "stream": stream, "text": String::from_utf8_lossy(bytes) });
            session.out.line(&json::line(Timestamp::now(), "output", &data))
        }
        (Format::Human, LogStream::Stdout) => session.out.raw(bytes),
        (Format::Human, LogStream::Stderr) => {
            session.err.raw(bytes);
            Reader::Listens
        }
    }
}

/// A process's exit code as a shell sees it; one that does not fit is a failure all the same.
pub fn shell_code(code: i64) -> u8 {
    u8::try_from(code).unwrap_or(255)
}
