//! Columns: aligned, without rules, a column that says nothing left out.

use console::measure_text_width;

use crate::paint::{Paint, Tone};

/// A piece of text in a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A text in a tone.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(Tone::Normal, text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(Tone::Normal, text)
    }
}

/// Which edge of a column its texts touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Words.
    Left,
    /// Numbers with one unit.
    Right,
}

/// A table for people.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(&'static str, Edge)>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    cells: Vec<Cell>,
    notes: Vec<String>,
}

impl Table {
    /// A table of these columns.
    pub fn new(columns: &[(&'static str, Edge)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row { cells: cells.into_iter().collect(), notes: Vec::new() });
    }

    /// Adds a line below the last row.
    pub fn note(&mut self, text: impl Into<String>) {
        if let Some(row) = self.rows.last_mut() {
            row.notes.push(text.into());
        }
    }

    /// Returns the table as it is printed, without a line end.
    pub fn render(&self, paint: Paint) -> String {
        let widths: Vec<usize> = (0..self.columns.len()).map(|index| self.width(index)).collect();
        let headings = self.columns.iter().map(|(heading, _)| Cell::new(Tone::Faint, *heading)).collect::<Vec<_>>();
        let mut lines = vec![self.line(&headings, &widths, paint)];
        for row in &self.rows {
            lines.push(self.line(&row.cells, &widths, paint));
            lines.extend(row.notes.iter().map(|note| format!("  {note}")));
        }
        lines.join("\n")
    }

    /// 0 for a column without any text below its heading.
    fn width(&self, index: usize) -> usize {
        let widest = self.rows.iter().filter_map(|row| row.cells.get(index)).map(|cell| measure_text_width(&cell.text)).max();
        match (widest, self.columns.get(index)) {
            (Some(widest @ 1..), Some((heading, _))) => widest.max(measure_text_width(heading)),
            _ => 0,
        }
    }

    fn line(&self, cells: &[Cell], widths: &[usize], paint: Paint) -> String {
        let shown = cells.iter().zip(&self.columns).zip(widths).filter(|(_, width)| **width > 0);
        let mut line = String::new();
        // Blanks are written only before the next text, so that no line ends in them.
        let mut owed = 0;
        for ((cell, (_, edge)), width) in shown {
            let blank = width.saturating_sub(measure_text_width(&cell.text));
            let (before, after) = match edge {
                Edge::Left => (0, blank),
                Edge::Right => (blank, 0),
            };
            owed += before;
            if !cell.text.is_empty() {
                line.push_str(&" ".repeat(owed));
                line.push_str(&paint.tone(cell.tone, &cell.text));
                owed = 0;
            }
            owed += after + 2;
        }
        line
    }
}
