//! Joins the lines of one stream to records: a traceback with everything that belongs to it is one, anything else is a line of its own.
//!
//! Every line is in exactly one record, in order.

use super::parse::{self, Form};
use crate::model::{LogException, LogLevel};

/// One line of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When the engine saw it, nanoseconds since 1970.
    pub at: i64,
    /// The line, without its end.
    pub text: String,
}

/// The lines of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// When the engine saw the first one.
    pub at: i64,
    /// How many lines these are.
    pub lines: u32,
    /// The lines, without the end of the last one.
    pub text: String,
    /// How grave the record says it is.
    pub level: Option<LogLevel>,
    /// The exception that it tells of.
    pub exception: Option<LogException>,
}

/// Lines that one record may have; what comes then begins another one.
const MOST_LINES: u32 = 2000;
/// Bytes that one record of several lines may have.
const MOST_BYTES: usize = 256 * 1024;
/// Nanoseconds between lines that are printed at once.
const AT_ONCE: i64 = 2_000_000;
/// Nanoseconds within which a traceback belongs to the line before it.
const HEADED: i64 = 1_000_000_000;

/// What the last line was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A line that a traceback may follow.
    Heading,
    /// A line of a traceback, before its exception.
    Stack,
    /// Its exception, or a further line of its message.
    Exception,
    /// The empty line after it.
    Gap,
    /// The sentence between two tracebacks of a chain.
    Chain,
}

/// Joins the lines of one stream.
#[derive(Debug, Default)]
pub struct Joiner {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    state: State,
    /// When the last line was seen.
    last: i64,
    level: Option<LogLevel>,
    joined: Joined,
}

impl Joiner {
    /// Takes the next line; what is complete goes into `out`.
    pub fn push(&mut self, line: Line, out: &mut Vec<Joined>) {
        if let Some(open) = &mut self.open {
            if let Some(state) = open.next(&line) {
                open.state = state;
                open.last = line.at;
                open.joined.lines += 1;
                open.joined.text.push('\n');
                open.joined.text.push_str(&line.text);
                return;
            }
            self.flush(out);
        }
        let parsed = parse::read(&line.text);
        let state = match () {
            () if is_header(&line.text) || is_uncompiled(&line.text) => Some(State::Stack),
            () if parsed.form != Form::Json && parsed.level >= Some(LogLevel::Warning) => Some(State::Heading),
            () => None,
        };
        let joined = Joined { at: line.at, lines: 1, text: line.text, level: parsed.level, exception: parsed.exception };
        match state {
            Some(state) => self.open = Some(Open { state, last: joined.at, level: joined.level, joined }),
            None => out.push(joined),
        }
    }

    /// Takes the record that is not complete as it is.
    pub fn flush(&mut self, out: &mut Vec<Joined>) {
        let Some(Open { mut joined, level, .. }) = self.open.take() else { return };
        if joined.lines > 1 {
            let parsed = parse::read(&joined.text);
            joined.exception = parsed.exception;
            joined.level = level.max(parsed.level);
        }
        out.push(joined);
    }

    /// Returns how many lines wait for others.
    pub fn waiting(&self) -> u32 {
        self.open.as_ref().map_or(0, |open| open.joined.lines)
    }
}

impl Open {
    /// Tells whether it is the traceback of a group, all of which is indented.
    fn is_group(&self) -> bool {
        self.joined.text.starts_with("  + Exception Group")
    }

    /// Tells what a line is to the record, if it belongs to it.
    fn next(&self, line: &Line) -> Option<State> {
        if self.joined.lines >= MOST_LINES || self.joined.text.len() + line.text.len() > MOST_BYTES {
            return None;
        }
        let text = line.text.as_str();
        let (empty, indented) = (text.trim().is_empty(), text.starts_with([' ', '\t']));
        match self.state {
            State::Heading => {
                let headed = is_header(text) && !has_heading(text) && line.at - self.last <= HEADED;
                headed.then_some(State::Stack)
            }
            State::Stack if is_sentence(text) => Some(State::Chain),
            // What groups hold stands to the right of their margin.
            State::Stack if empty || indented && (!is_header(text) || is_within_group(text)) => Some(State::Stack),
            State::Stack if !self.is_group() && is_exception(text) => Some(State::Exception),
            State::Exception | State::Gap if is_sentence(text) => Some(State::Chain),
            State::Exception if empty => Some(State::Gap),
            State::Exception if indented && !is_header(text) => Some(State::Exception),
            State::Exception if line.at - self.last <= AT_ONCE && !is_header(text) && parse::read(text).form == Form::Plain => {
                Some(State::Exception)
            }
            State::Chain if empty => Some(State::Chain),
            State::Chain if is_header(text) => Some(State::Stack),
            State::Stack | State::Exception | State::Gap | State::Chain => None,
        }
    }
}

/// Tells whether a line begins a traceback.
fn is_header(line: &str) -> bool {
    line.trim_end().ends_with("Traceback (most recent call last):")
}

/// Tells whether words of a log stand before those of the traceback, as uvicorn writes them.
fn has_heading(line: &str) -> bool {
    let before = line.trim_end().trim_end_matches("Traceback (most recent call last):");
    !before.trim_matches([' ', '\t', '|', '+']).trim_end_matches("Exception Group").trim().is_empty()
}

fn is_within_group(line: &str) -> bool {
    line.trim_start().starts_with(['|', '+'])
}

/// Tells whether a line begins what Python prints of a file that it could not compile.
fn is_uncompiled(line: &str) -> bool {
    line.starts_with("  File \"") && line.contains("\", line ") && !line.contains(", in ")
}

fn is_sentence(line: &str) -> bool {
    let line = line.trim_matches([' ', '\t', '|']);
    line.starts_with("During handling of the above exception, another exception occurred")
        || line.starts_with("The above exception was the direct cause of the following exception")
}

/// Tells whether a line is the type of an exception, with its message or without.
fn is_exception(line: &str) -> bool {
    let kind = line.split_once(':').map_or(line, |(kind, _)| kind).trim_end();
    let is_type = !kind.is_empty()
        && kind.split('.').all(|part| {
            part.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && part.chars().all(|inner| inner.is_alphanumeric() || inner == '_' || inner == '<' || inner == '>')
        });
    is_type && parse::read(line).form == Form::Plain
}

#[cfg(test)]
mod tests;
