//! Takes values out of a stream of bytes that comes in chunks.

use std::sync::Arc;

use super::{Forms, HIDDEN};

/// Takes values out of a stream. What may be the beginning of one is held back until it is known; everything else passes at once.
pub struct MaskStream {
    forms: Option<Arc<Forms>>,
    held: Vec<u8>,
}

impl MaskStream {
    pub(super) fn new(forms: Option<Arc<Forms>>) -> Self {
        Self { forms, held: Vec::new() }
    }

    /// Takes the next bytes and returns those that can be shown.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some(forms) = self.forms.clone() else { return bytes.to_vec() };
        self.held.extend_from_slice(bytes);
        let text = Unwrapped::of(&self.held);
        let open = text.open(&forms);
        let (shown, rest) = text.hide(&forms, open);
        self.held.drain(..rest);
        shown
    }

    /// Returns what was held back when the stream has ended.
    pub fn finish(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        let Some(forms) = &self.forms else { return held };
        let text = Unwrapped::of(&held);
        text.hide(forms, text.bytes.len()).0
    }
}

/// Bytes without their line ends: what something wrapped is found all the same.
struct Unwrapped<'a> {
    raw: &'a [u8],
    bytes: Vec<u8>,
    /// Where each of `bytes` stands in `raw`; nothing where no byte was left out.
    places: Option<Vec<usize>>,
}

impl<'a> Unwrapped<'a> {
    fn of(raw: &'a [u8]) -> Self {
        if !raw.iter().any(is_line_end) {
            return Self { raw, bytes: raw.to_vec(), places: None };
        }
        let (places, bytes): (Vec<usize>, Vec<u8>) =
            raw.iter().enumerate().filter(|(_, byte)| !is_line_end(byte)).map(|(place, byte)| (place, *byte)).unzip();
        Self { raw, bytes, places: Some(places) }
    }

    /// The place in `raw` before a byte of `bytes`, or its end.
    fn before(&self, index: usize) -> usize {
        match &self.places {
            None => index,
            Some(places) => places.get(index).copied().unwrap_or(self.raw.len()),
        }
    }

    /// The place in `raw` after the bytes up to `end`.
    fn after(&self, end: usize) -> usize {
        match end {
            0 => 0,
            end => self.before(end - 1) + 1,
        }
    }

    /// Where the longest end begins that something looked for begins with.
    fn open(&self, forms: &Forms) -> usize {
        let first = self.bytes.len().saturating_sub(forms.longest.saturating_sub(1));
        (first..self.bytes.len())
            .find(|start| self.bytes.get(*start..).is_some_and(|end| forms.begins(end)))
            .unwrap_or(self.bytes.len())
    }

    /// Returns what can be shown, and how much of `raw` that was; what begins at `open` or later is left for the next time.
    fn hide(&self, forms: &Forms, open: usize) -> (Vec<u8>, usize) {
        let mut shown = Vec::with_capacity(self.raw.len());
        let mut done = 0;
        let mut end = 0;
        let Some(finder) = &forms.finder else { return (shown, self.raw.len()) };
        for found in finder.find_iter(&self.bytes).take_while(|found| found.start() < open) {
            shown.extend_from_slice(self.raw.get(done..self.before(found.start())).unwrap_or_default());
            let (from, to) = (self.before(found.start()), self.after(found.end()));
            shown.extend_from_slice(HIDDEN.as_bytes());
            // Lines stay lines.
            let hidden = self.raw.get(from..to).unwrap_or_default();
            shown.extend(hidden.iter().filter(|byte| is_line_end(byte)));
            (done, end) = (to, found.end());
        }
        let rest = self.before(open.max(end));
        shown.extend_from_slice(self.raw.get(done..rest).unwrap_or_default());
        (shown, rest)
    }
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}
