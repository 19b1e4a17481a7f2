//! Code around a line, and text within a width.

use console::{measure_text_width, truncate_str};
use nonevent_engine::model::Excerpt;

use super::Look;
use crate::paint::Tone;
use crate::tell::layout::under;

/// Returns the lines of an excerpt with their numbers, the one that it is about marked.
pub(super) fn lines(excerpt: &Excerpt, at: u32, look: &Look) -> Vec<String> {
    let last = excerpt.first.saturating_add(u32::try_from(excerpt.lines.len()).unwrap_or(u32::MAX));
    let digits = last.saturating_sub(1).to_string().len();
    let numbered = excerpt.lines.iter().zip(excerpt.first..);
    numbered
        .map(|(code, number)| {
            let mark = if number == at { '>' } else { ' ' };
            let line = under(2, format!("{mark} {number:>digits$} | {}", code.replace('\t', "    ")).trim_end());
            let line = look.width.map_or_else(|| line.clone(), |width| truncate_str(&line, width, "…").into_owned());
            match number == at {
                true => line,
                false => look.paint.tone(Tone::Faint, &line),
            }
        })
        .collect()
}

/// Breaks a text between words; a word that is wider than a line is left whole.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut().filter(|line| measure_text_width(line) + 1 + measure_text_width(word) <= width) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
