//! Settings as a page of TOML: a table for each section, and behind each value, as a comment, where it came from.
//!
//! What stands there may be copied into a configuration as it is. Knows nothing about where settings come from, nor what they mean.

use console::measure_text_width;
use nonevent_engine::model::{Origin, Setting};

use crate::paint::Tone;
use crate::session::View;

/// The first words of keys that name many tables, each a section of its own.
const FAMILIES: [&str; 4] = ["process", "gauntlet", "services", "environments"];

/// The widest line whose comment the others are aligned with, in columns; the comment of a wider one stands further right.
const ALIGNED: usize = 52;

/// Returns the page, without a line end.
pub fn text(settings: &[Setting], view: View) -> String {
    let sections = sections(settings);
    let widest = match view.width {
        Some(width) => ALIGNED.min(width * 3 / 5),
        None => ALIGNED,
    };
    let entries = || sections.iter().flat_map(|section| &section.entries);
    let column =
        entries().map(|entry| measure_text_width(&entry.plain())).filter(|width| *width <= widest).max().unwrap_or(0) + 2;
    let blocks = sections.iter().map(|section| section.lines(column, view).join("\n"));
    blocks.collect::<Vec<_>>().join("\n\n")
}

struct Section {
    name: String,
    entries: Vec<Entry>,
}

struct Entry {
    key: String,
    value: String,
    comment: String,
    tone: Tone,
}

fn sections(settings: &[Setting]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for setting in settings {
        let (name, key) = divided(&setting.key);
        let (comment, tone) = match &setting.origin {
            Origin::File { file, line } => (format!("{}:{line}", file.display()), Tone::Normal),
            Origin::Inferred { because } => (format!("inferred from {because}"), Tone::Normal),
            Origin::Default => ("default".to_owned(), Tone::Faint),
        };
        let entry = Entry { key: key.to_owned(), value: setting.value.clone(), comment, tone };
        match sections.last_mut().filter(|last| last.name == name) {
            Some(last) => last.entries.push(entry),
            None => sections.push(Section { name: name.to_owned(), entries: vec![entry] }),
        }
    }
    for section in &mut sections {
        let widest = section.entries.iter().map(|entry| measure_text_width(&entry.key)).max().unwrap_or(0);
        for entry in &mut section.entries {
            entry.key.push_str(&" ".repeat(widest - measure_text_width(&entry.key)));
        }
    }
    sections
}

/// Divides a key into its section and the rest.
fn divided(key: &str) -> (&str, &str) {
    let mut dots = outside_strings(key, '.');
    let first = dots.next();
    let end = match first.and_then(|end| key.get(..end)) {
        Some(family) if FAMILIES.contains(&family) => dots.next().or(first),
        _ => first,
    };
    end.and_then(|end| Some((key.get(..end)?, key.get(end + 1..)?))).unwrap_or(("", key))
}

impl Section {
    fn lines(&self, column: usize, view: View) -> Vec<String> {
        let heading = (!self.name.is_empty()).then(|| view.paint.tone(Tone::Strong, &format!("[{}]", self.name)));
        heading.into_iter().chain(self.entries.iter().flat_map(|entry| entry.lines(column, view))).collect()
    }
}

impl Entry {
    fn plain(&self) -> String {
        format!("{} = {}", self.key, self.value)
    }

    fn lines(&self, column: usize, view: View) -> Vec<String> {
        let Some(width) = view.width else {
            let text = self.plain();
            let blank = column.saturating_sub(measure_text_width(&text)).max(2);
            let comment = view.paint.tone(Tone::Faint, &format!("# {}", self.comment));
            return vec![format!("{}{}{comment}", view.paint.tone(self.tone, &text), " ".repeat(blank))];
        };
        let mut plain = self.wrapped(width);
        let mut comments = wrapped_comment(&self.comment, width.saturating_sub(column).max(20)).into_iter();
        let last = plain.pop().unwrap_or_default();
        let mut lines: Vec<String> = plain.iter().map(|line| view.paint.tone(self.tone, line)).collect();
        let taken = measure_text_width(&last);
        let whole = format!("# {}", self.comment);
        let mut ending = view.paint.tone(self.tone, &last);
        if taken + 2 <= column {
            ending.push_str(&" ".repeat(column - taken));
            ending.push_str(&view.paint.tone(Tone::Faint, &comments.next().unwrap_or_default()));
        } else if taken + 2 + measure_text_width(&whole) <= width {
            ending.push_str("  ");
            ending.push_str(&view.paint.tone(Tone::Faint, &whole));
            comments = Vec::new().into_iter();
        }
        lines.push(ending);
        lines.extend(comments.map(|comment| format!("{}{}", " ".repeat(column), view.paint.tone(Tone::Faint, &comment))));
        lines
    }

    /// The key and its value; an array that is too wide goes on below its first item.
    fn wrapped(&self, width: usize) -> Vec<String> {
        let indent = measure_text_width(&self.key) + 3;
        let mut lines = vec![format!("{} =", self.key)];
        for (index, item) in items(&self.value).into_iter().enumerate() {
            let fits = |line: &String| measure_text_width(line) + 1 + measure_text_width(item) <= width;
            match lines.last_mut().filter(|line| index == 0 || fits(line)) {
                Some(line) => *line = format!("{line} {item}"),
                None => lines.push(format!("{} {item}", " ".repeat(indent))),
            }
        }
        lines
    }
}

/// The items of an array, each with the comma behind it; any other value is one.
fn items(value: &str) -> Vec<&str> {
    if !value.starts_with('[') {
        return vec![value];
    }
    let mut items = Vec::new();
    let mut start = 0;
    for comma in outside_strings(value, ',') {
        items.extend(value.get(start..=comma).map(str::trim_start));
        start = comma + 1;
    }
    items.extend(value.get(start..).map(str::trim_start));
    items
}

/// Where this mark stands outside TOML's strings.
fn outside_strings(text: &str, mark: char) -> impl Iterator<Item = usize> {
    let mut quote = None;
    let mut escaped = false;
    text.char_indices().filter_map(move |(index, letter)| {
        match quote {
            _ if escaped => escaped = false,
            Some('"') if letter == '\\' => escaped = true,
            Some(open) if open == letter => quote = None,
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None if letter == mark => return Some(index),
            _ => {}
        }
        None
    })
}

fn wrapped_comment(comment: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in comment.split(' ') {
        match lines.last_mut().filter(|line| measure_text_width(line) + 1 + measure_text_width(word) <= width) {
            Some(line) => *line = format!("{line} {word}"),
            None => lines.push(format!("# {word}")),
        }
    }
    lines
}
