//! Colour, which marks state and never carries it alone: without it every line says the same.

use anstyle::{AnsiColor, Style};

/// Whether text is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Text stays as it is.
    Plain,
    /// Text bears ANSI codes.
    Colour,
}

impl From<anstream::ColorChoice> for Paint {
    fn from(choice: anstream::ColorChoice) -> Self {
        match choice {
            anstream::ColorChoice::Never => Self::Plain,
            _ => Self::Colour,
        }
    }
}

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Normal,
    /// It is well.
    Good,
    /// It failed.
    Bad,
    /// It waits, or wants to be looked at.
    Warn,
    /// It matters less.
    Faint,
    /// It matters most.
    Strong,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Normal => Style::new(),
            Self::Good => colour(AnsiColor::Green),
            Self::Bad => colour(AnsiColor::Red),
            Self::Warn => colour(AnsiColor::Yellow),
            Self::Faint => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

impl Paint {
    /// Returns the text in a tone.
    pub fn tone(self, tone: Tone, text: &str) -> String {
        let style = tone.style();
        match self {
            Self::Colour if tone != Tone::Normal && !text.is_empty() => format!("{style}{text}{style:#}"),
            _ => text.to_owned(),
        }
    }
}
