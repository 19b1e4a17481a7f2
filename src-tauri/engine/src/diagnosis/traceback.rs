//! Reads tracebacks as Python prints them: frames, the exception, and the chain of those before it.

use super::log::{TRACEBACK, is_epilogue, is_record};

/// One printed traceback, with the exceptions that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Traceback {
    /// The line before it, of the same stream.
    pub heading: Option<String>,
    /// The exceptions, in the order in which they were raised; the last one is the one that counted.
    pub links: Vec<Link>,
    /// The lines after it, of the same stream.
    pub after: Vec<String>,
}

/// One exception of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its frames, the outermost first.
    pub frames: Vec<Frame>,
    /// Its type with its module, such as `django.db.utils.OperationalError`.
    pub exception: String,
    /// Its message, its further lines included.
    pub message: String,
    /// How the next one of the chain came from it.
    pub led: Led,
}

/// How an exception led to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Led {
    /// By `raise … from`.
    Directly,
    /// The next one was raised while it was handled.
    WhileHandled,
    /// It is the last one.
    Nowhere,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub file: String,
    pub line: u32,
    /// Its function; none where the code could not be compiled.
    pub function: Option<String>,
}

/// Lines of a message that are read.
const LONGEST_MESSAGE: usize = 60;

const DIRECT: &str = "The above exception was the direct cause of the following exception:";
const CONTEXT: &str = "During handling of the above exception, another exception occurred:";

impl Traceback {
    /// Returns the exception that counted.
    pub fn last(&self) -> Option<&Link> {
        self.links.last()
    }

    /// Tells whether nothing of importance was printed after it.
    pub fn is_final(&self) -> bool {
        let mut talk = 0;
        for line in &self.after {
            if is_epilogue(line) {
                continue;
            }
            if is_record(line) {
                return false;
            }
            talk += 1;
        }
        // gunicorn repeats the message once.
        talk <= 2
    }

    /// Tells whether the app's own logging wrote it: whoever logs an exception has caught it.
    pub fn is_logged(&self) -> bool {
        // gunicorn says so of a worker, uvicorn in front of the words themselves.
        let of_server = |heading: &str| heading.contains("Exception in worker process") || heading.ends_with(TRACEBACK);
        self.heading.as_deref().is_some_and(|heading| is_record(heading) && !of_server(heading))
    }
}

impl Link {
    /// Returns the type without its module.
    pub fn name(&self) -> &str {
        self.exception.rsplit('.').next().unwrap_or(&self.exception)
    }

    /// Returns the first line of the message.
    pub fn headline(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// Returns the exception as Python prints it, in one line.
    pub fn told(&self) -> String {
        match self.headline() {
            "" => self.exception.clone(),
            headline => format!("{}: {headline}", self.exception),
        }
    }
}

/// Reads every traceback of some lines.
pub(crate) fn tracebacks(lines: &[String]) -> Vec<Traceback> {
    let plain: Vec<&str> = lines.iter().map(|line| ungrouped(line)).collect();
    let mut found: Vec<Traceback> = Vec::new();
    let mut at = 0;
    while let Some(offset) = plain.get(at..).and_then(|rest| rest.iter().position(|line| line.ends_with(TRACEBACK))) {
        let begin = at + offset;
        // What stands before the words on their own line is a heading, too: uvicorn's `ERROR:    Traceback …`.
        let own = plain.get(begin).map(|line| line.trim_end_matches(TRACEBACK).trim()).filter(|own| !own.is_empty());
        let before = begin.checked_sub(1).and_then(|index| plain.get(index)).copied();
        let heading = own.map(|own| format!("{own} {TRACEBACK}")).or_else(|| before.map(str::to_owned));
        let (links, end) = chain(&plain, begin);
        at = end.max(begin + 1);
        if !links.is_empty() {
            found.push(Traceback { heading: heading.filter(|heading| !heading.trim().is_empty()), links, after: Vec::new() });
            if let Some(last) = found.last_mut() {
                last.after = plain.get(at..).unwrap_or_default().iter().map(|line| (*line).to_owned()).collect();
            }
        }
    }
    found
}

/// Takes away the margin that exception groups draw.
fn ungrouped(line: &str) -> &str {
    let text = line.trim_start();
    match text.strip_prefix("| ").or_else(|| text.strip_prefix("+ ")) {
        Some(rest) if rest.contains(TRACEBACK) || rest.starts_with("  ") || line.starts_with(' ') => rest.trim_end(),
        _ => line.trim_end(),
    }
}

/// Reads a chain of exceptions; returns it and the place of the line after it.
fn chain(lines: &[&str], begin: usize) -> (Vec<Link>, usize) {
    let (mut links, mut at) = (Vec::new(), begin);
    loop {
        let Some((mut link, end)) = link(lines, at + 1) else { return (links, at + 1) };
        let mut next = end;
        while lines.get(next).is_some_and(|line| line.trim().is_empty()) {
            next += 1;
        }
        link.led = match lines.get(next).map(|line| line.trim()) {
            Some(DIRECT) => Led::Directly,
            Some(CONTEXT) => Led::WhileHandled,
            _ => Led::Nowhere,
        };
        let led = link.led;
        links.push(link);
        if led == Led::Nowhere {
            return (links, end);
        }
        next += 1;
        while lines.get(next).is_some_and(|line| line.trim().is_empty()) {
            next += 1;
        }
        if !lines.get(next).is_some_and(|line| line.ends_with(TRACEBACK)) {
            return (links, next);
        }
        at = next;
    }
}

/// Reads frames and the exception below them.
fn link(lines: &[&str], begin: usize) -> Option<(Link, usize)> {
    let mut frames = Vec::new();
    let mut at = begin;
    while let Some(line) = lines.get(at) {
        if let Some(frame) = frame(line) {
            frames.push(frame);
        } else if !line.starts_with([' ', '\t']) {
            break;
        }
        at += 1;
    }
    let line = lines.get(at)?;
    let (exception, first) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
    if !is_type(exception) {
        return None;
    }
    let mut message = first.to_owned();
    let mut end = at + 1;
    while let Some(line) = lines.get(end) {
        let over = line.trim().is_empty() || line.contains(TRACEBACK) || is_record(line) || is_epilogue(line);
        if over || end - at > LONGEST_MESSAGE || is_repetition(line, first) {
            break;
        }
        message.push('\n');
        message.push_str(line);
        end += 1;
    }
    Some((Link { frames, exception: exception.to_owned(), message, led: Led::Nowhere }, end))
}

/// gunicorn prints the message of an import error once more.
fn is_repetition(line: &str, message: &str) -> bool {
    !message.is_empty() && line.trim() == message.trim()
}

fn is_type(text: &str) -> bool {
    let word = |part: &str| {
        part.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
            && part.chars().all(|character| character.is_alphanumeric() || character == '_')
    };
    !text.is_empty() && text.split('.').all(word)
}

fn frame(line: &str) -> Option<Frame> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let (number, function) = match rest.split_once(", in ") {
        Some((number, function)) => (number, Some(function.to_owned())),
        None => (rest, None),
    };
    Some(Frame { file: file.to_owned(), line: number.trim().parse().ok()?, function })
}
