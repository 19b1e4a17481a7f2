//! What scripted containers do.

use nonevent_engine::model::CommandLine;

/// What an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Script {
    /// Its first probe passes.
    #[default]
    Healthy,
    /// Its probes fail (connection refused) this many times, then pass.
    Slow(u32),
    /// Its probes are answered with 503.
    Sick,
    /// It ends at once with exit code 3, after it printed `boom`.
    Crash,
    /// It prints `working` and listens to nothing.
    Idle,
}

impl Script {
    /// Reads a command that [`Script::command`] wrote; any other is a healthy app's.
    pub fn of(command: &CommandLine) -> Self {
        let argv = command.argv();
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["scripted", "slow", times] => Self::Slow(times.parse().unwrap()),
            ["scripted", "sick"] => Self::Sick,
            ["scripted", "crash"] => Self::Crash,
            ["scripted", "idle"] => Self::Idle,
            _ => Self::Healthy,
        }
    }

    /// Writes the command of an instance that does this.
    pub fn command(self) -> CommandLine {
        let words = match self {
            Self::Healthy => vec!["scripted".to_owned(), "healthy".to_owned()],
            Self::Slow(times) => vec!["scripted".to_owned(), "slow".to_owned(), times.to_string()],
            Self::Sick => vec!["scripted".to_owned(), "sick".to_owned()],
            Self::Crash => vec!["scripted".to_owned(), "crash".to_owned()],
            Self::Idle => vec!["scripted".to_owned(), "idle".to_owned()],
        };
        CommandLine::Exec(words)
    }

    /// What it prints when it starts.
    pub(super) fn first_line(self) -> &'static str {
        match self {
            Self::Crash => "boom",
            Self::Idle => "working",
            Self::Healthy | Self::Slow(_) | Self::Sick => "listening",
        }
    }
}

/// Writes a command that prints a text and ends.
pub(super) fn print_and_end(text: &str, exit_code: i64) -> CommandLine {
    CommandLine::Exec(vec!["scripted".to_owned(), "print".to_owned(), text.to_owned(), exit_code.to_string()])
}

/// Reads such a command: what it prints, and its exit code. Any other prints nothing and ends well.
pub(super) fn printed(argv: &[String]) -> (Vec<String>, i64) {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["scripted", "print", text, exit_code] => (vec![(*text).to_owned()], exit_code.parse().unwrap()),
        _ => (Vec::new(), 0),
    }
}
