//! The columns in which a run is told: a glyph, a name, what it came to, and the time it took.

use console::{measure_text_width, truncate_str};

use crate::paint::{Paint, Tone};
use crate::words;

/// How something stands, as a shape that needs no colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyph {
    /// It is well.
    Done,
    /// It failed.
    Failed,
    /// It could not tell, or wants to be looked at.
    Trouble,
    /// It was not done.
    Idle,
    /// What follows belongs to it.
    Heading,
}

impl Glyph {
    /// Returns the shape.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Failed => "✗",
            Self::Trouble => "!",
            Self::Idle => "–",
            Self::Heading => " ",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Done => Tone::Good,
            Self::Failed => Tone::Bad,
            Self::Trouble => Tone::Warn,
            Self::Idle | Self::Heading => Tone::Faint,
        }
    }
}

/// The columns of a name and of a summary; a whole line is 77 wide.
const NAME: usize = 15;
const SUMMARY: usize = 52;
const TIME: usize = 8;

/// One line about a stage, a gate or a step.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Steps to the right: 0 for a stage, 1 for what belongs to one.
    pub indent: usize,
    /// How it stands.
    pub glyph: Glyph,
    /// Its name; without a summary it may be a sentence.
    pub name: &'a str,
    /// What it came to.
    pub summary: &'a str,
    /// Milliseconds it took.
    pub took: Option<u64>,
}

impl Row<'_> {
    /// Returns the line.
    pub fn render(&self, paint: Paint) -> String {
        let margin = "  ".repeat(self.indent);
        let glyph = paint.tone(self.glyph.tone(), self.glyph.shape());
        let (body, width) = body(self.indent, self.name, self.summary, paint);
        let time = self.took.map(|took| time(self.indent, width, took, paint)).unwrap_or_default();
        format!("{margin}{glyph} {body}{time}").trim_end().to_owned()
    }
}

/// Returns a line of something that goes on, without glyph and time, exactly as wide as its final line will be: what moves must not wrap.
pub fn live(indent: usize, name: &str, doing: &str, paint: Paint) -> String {
    let whole = NAME + SUMMARY - 2 * indent;
    let (body, _) = body(indent, name, doing, paint);
    let body = truncate_str(&body, whole, "…");
    let blank = whole.saturating_sub(measure_text_width(&body));
    format!("{body}{}", " ".repeat(blank))
}

/// Returns a summary cut to its column, for what is told in full elsewhere.
pub fn brief(summary: &str) -> String {
    truncate_str(summary.lines().next().unwrap_or_default(), SUMMARY, "…").into_owned()
}

/// Returns the text under a summary.
pub fn beside(text: &str) -> String {
    format!("{}{text}", " ".repeat(NAME + 2))
}

/// Returns the text under a row, further to the right than its name.
pub fn under(indent: usize, text: &str) -> String {
    format!("{}{text}", "  ".repeat(indent + 2)).trim_end().to_owned()
}

/// Name and summary, and how wide they are together.
fn body(indent: usize, name: &str, summary: &str, paint: Paint) -> (String, usize) {
    let name_width = measure_text_width(name);
    let painted = match indent {
        0 => paint.tone(Tone::Strong, name),
        _ => name.to_owned(),
    };
    if summary.is_empty() {
        return (painted, name_width);
    }
    // A name that fills its column still keeps apart from what follows.
    let gap = (NAME - 2 * indent).saturating_sub(name_width).max(2);
    (format!("{painted}{}{summary}", " ".repeat(gap)), name_width + gap + measure_text_width(summary))
}

fn time(indent: usize, width: usize, took: u64, paint: Paint) -> String {
    let text = words::duration(took);
    let blank = (NAME + SUMMARY + TIME - 2 * indent).saturating_sub(width + measure_text_width(&text)).max(2);
    format!("{}{}", " ".repeat(blank), paint.tone(Tone::Faint, &text))
}
