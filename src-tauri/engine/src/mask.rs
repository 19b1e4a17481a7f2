//! Values that nobody may see, and the taking out of them from whatever is printed.
//!
//! Every output of ours goes through a [`Mask`] before it is kept or told: a value is recognised as it is, encoded (base64, URL, JSON,
//! XML, hexadecimal), across the chunks of a stream and across lines that something wrapped. Knows nothing of where secrets come from.

mod forms;
mod stream;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroize as _;

pub use self::stream::MaskStream;

/// What stands where a value was.
pub const HIDDEN: &str = "***";

/// Values of fewer bytes are not looked for: they would be found in everything.
pub const SHORTEST: usize = 6;

/// A secret value. It prints as `****`, and its memory is overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Secret {
    /// Takes a value out of sight.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Gives the value to whoever must have it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// Takes values out of text. Cheap to clone; the empty one leaves everything as it is.
#[derive(Clone, Default)]
pub struct Mask(Option<Arc<Forms>>);

/// Every form of every value, without line ends, and what finds them.
struct Forms {
    /// None when it could not be made, beyond billions of states: then nothing may be shown at all.
    finder: Option<AhoCorasick>,
    /// Sorted, so that what begins with something is found by halving.
    forms: Vec<Vec<u8>>,
    longest: usize,
}

impl Mask {
    /// Makes a mask of values; those shorter than [`SHORTEST`] bytes are left out.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let values = secrets.into_iter().map(Secret::reveal).filter(|value| value.trim().len() >= SHORTEST);
        let forms: Vec<Vec<u8>> = values.flat_map(forms::of).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        if forms.is_empty() {
            return Self::default();
        }
        let longest = forms.iter().map(Vec::len).max().unwrap_or_default();
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        let finder = finder.inspect_err(|error| tracing::error!(%error, "values cannot be looked for: all output is hidden"));
        Self(Some(Arc::new(Forms { finder: finder.ok(), forms, longest })))
    }

    /// Tells whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns a text without the values.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Returns bytes without the values.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.0.is_none() {
            return Cow::Borrowed(bytes);
        }
        let mut stream = self.stream();
        let mut hidden = stream.push(bytes);
        hidden.extend(stream.finish());
        match hidden == bytes {
            true => Cow::Borrowed(bytes),
            false => Cow::Owned(hidden),
        }
    }

    /// Returns anything that has a JSON shape with the values taken out of all its texts.
    ///
    /// What cannot be read back (a value stood where only certain words may) becomes `None`: it must not be told.
    pub fn of<T: Serialize + DeserializeOwned>(&self, value: T) -> Option<T> {
        if self.0.is_none() {
            return Some(value);
        }
        let mut json = serde_json::to_value(&value).ok()?;
        self.walk(&mut json);
        serde_json::from_value(json).ok()
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(hidden) = self.text(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::Object(fields) => {
                let walked = std::mem::take(fields).into_iter().map(|(name, mut field)| {
                    self.walk(&mut field);
                    (self.text(&name).into_owned(), field)
                });
                *fields = walked.collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Begins to take values out of a stream of bytes.
    pub fn stream(&self) -> MaskStream {
        MaskStream::new(self.0.clone())
    }
}

impl Forms {
    /// Tells whether something that is looked for begins with these bytes and goes on.
    fn begins(&self, bytes: &[u8]) -> bool {
        let first = self.forms.partition_point(|form| form.as_slice() <= bytes);
        self.forms.get(first).is_some_and(|form| form.starts_with(bytes))
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => one.forms == other.forms,
            _ => false,
        }
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Mask(nothing)" } else { "Mask(****)" })
    }
}

#[cfg(test)]
mod tests;
