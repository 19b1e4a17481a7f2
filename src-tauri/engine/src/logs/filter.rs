//! Which records are asked for.

use aho_corasick::AhoCorasick;
use jiff::Timestamp;

use super::parse::Parsed;
use crate::model::{LogLevel, LogRecord, LogStream};

/// Why a filter cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There is no such level.
    #[error("`{word}` is no level")]
    Level {
        /// What was written.
        word: String,
    },
    /// A quotation has no end.
    #[error("a quotation of `{text}` has no end")]
    Quotation {
        /// What was written.
        text: String,
    },
    /// Nothing stands where a value must.
    #[error("`{word}` has no value")]
    Empty {
        /// What was written.
        word: String,
    },
}

impl FilterError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Level { .. } => "levels are debug, info, warning, error and critical".into(),
            Self::Quotation { .. } => "write it as `\"two words\"`".into(),
            Self::Empty { word } => format!("write `{word}something`, or put it in quotes to look for the text"),
        })
    }
}

/// Which records are asked for; what is not said asks for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Texts that must all be in a record, whatever the case of their ASCII letters.
    pub texts: Vec<String>,
    /// The levels; none for any, and for records that do not say.
    pub levels: Option<Vec<LogLevel>>,
    /// Fields with the values that they must have.
    pub fields: Vec<(String, String)>,
    /// What the release's id begins with.
    pub release: Option<String>,
    /// The instance's id, or what its name contains.
    pub instance: Option<String>,
    /// The process.
    pub process: Option<String>,
    /// From when on.
    pub since: Option<Timestamp>,
    /// Until when, that moment included.
    pub until: Option<Timestamp>,
}

const LEVELS: [LogLevel; 5] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error, LogLevel::Critical];

impl Filter {
    /// Reads `level>=warning status=500 release:3f2a "timed out"`.
    ///
    /// # Errors
    /// When a level is unknown, or a quotation has no end.
    pub fn read(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for word in words(text)? {
            filter.take(word)?;
        }
        Ok(filter)
    }

    /// Asks for records of a level or graver.
    #[must_use]
    pub fn at_least(mut self, level: LogLevel) -> Self {
        self.levels = Some(LEVELS.into_iter().filter(|one| *one >= level).collect());
        self
    }

    fn take(&mut self, word: Word) -> Result<(), FilterError> {
        let Word { text, quoted_from_start } = word;
        if quoted_from_start {
            self.texts.push(text);
            return Ok(());
        }
        let level = |word: &str| super::parse::level(word).ok_or_else(|| FilterError::Level { word: word.to_owned() });
        if let Some(word) = text.strip_prefix("level>=") {
            let from = level(word)?;
            self.levels = Some(LEVELS.into_iter().filter(|one| *one >= from).collect());
            return Ok(());
        }
        if let Some(word) = text.strip_prefix("level=").or_else(|| text.strip_prefix("level:")) {
            self.levels = Some(vec![level(word)?]);
            return Ok(());
        }
        for (name, place) in [("release:", &mut self.release), ("instance:", &mut self.instance), ("process:", &mut self.process)]
        {
            if let Some(value) = text.strip_prefix(name) {
                if value.is_empty() {
                    return Err(FilterError::Empty { word: text });
                }
                *place = Some(value.to_owned());
                return Ok(());
            }
        }
        match text.split_once('=') {
            Some((name, value)) if is_field(name) => {
                if value.is_empty() {
                    return Err(FilterError::Empty { word: text });
                }
                self.fields.push((name.to_owned(), value.to_owned()));
            }
            _ => self.texts.push(text),
        }
        Ok(())
    }

    /// Tells whether a source's records may fit.
    pub fn takes_source(&self, instance: &str, name: &str, process: &str, release: &str) -> bool {
        self.release.as_ref().is_none_or(|prefix| release.starts_with(prefix.as_str()))
            && self.process.as_ref().is_none_or(|wanted| wanted == process)
            && self.instance.as_ref().is_none_or(|wanted| instance == wanted || name.contains(wanted.as_str()))
    }

    /// Tells whether a level is asked for.
    pub fn takes_level(&self, level: Option<LogLevel>) -> bool {
        match (&self.levels, level) {
            (None, _) => true,
            (Some(levels), Some(level)) => levels.contains(&level),
            (Some(_), None) => false,
        }
    }

    /// Tells whether a moment, nanoseconds since 1970, is asked for.
    pub fn takes_time(&self, at: i64) -> bool {
        let at = i128::from(at);
        self.since.is_none_or(|since| at >= since.as_nanosecond()) && self.until.is_none_or(|until| at <= until.as_nanosecond())
    }

    /// Tells whether what was read of a record has the fields.
    pub fn takes_fields(&self, parsed: &Parsed, stream: LogStream) -> bool {
        self.fields.iter().all(|(name, value)| match name.as_str() {
            "logger" => parsed.logger.as_ref() == Some(value) || has(parsed, name, value),
            "message" | "msg" | "event" => parsed.message == *value || has(parsed, name, value),
            "stream" => value == if stream == LogStream::Stderr { "stderr" } else { "stdout" },
            "exception" => {
                let own = parsed.exception.as_ref().is_some_and(|exception| {
                    exception.kind == *value
                        || exception.kind.rsplit('.').next() == Some(value)
                        || exception.fingerprint == *value
                });
                own || has(parsed, name, value)
            }
            _ => has(parsed, name, value),
        })
    }

    /// Tells whether a record that is at hand fits.
    pub fn takes(&self, record: &LogRecord) -> bool {
        let at = record.at.parse::<Timestamp>().ok().and_then(|at| i64::try_from(at.as_nanosecond()).ok());
        self.takes_source(&record.instance, &record.instance, record.process.as_str(), record.release.as_str())
            && self.takes_level(record.level)
            && at.is_none_or(|at| self.takes_time(at))
            && self.finders().iter().all(|finder| finder.is_match(&record.text))
            && (self.fields.is_empty() || self.takes_fields(&super::parse::read(&record.text), record.stream))
    }

    /// Makes what finds texts in bytes: all must be found. Values of fields are among them where they stand in a line as they are.
    pub(crate) fn finders(&self) -> Vec<AhoCorasick> {
        let simple =
            |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'));
        let named = ["stream", "exception"];
        let fields = self.fields.iter().filter(|(name, value)| !named.contains(&name.as_str()) && simple(value));
        let texts = self.texts.iter().chain(fields.map(|(_, value)| value)).filter(|text| !text.is_empty());
        texts.filter_map(|text| AhoCorasick::builder().ascii_case_insensitive(true).build([text]).ok()).collect()
    }
}

fn has(parsed: &Parsed, name: &str, value: &str) -> bool {
    parsed.fields.iter().any(|field| field.name == name && field.value == value)
}

fn is_field(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@'))
}

struct Word {
    text: String,
    quoted_from_start: bool,
}

/// Parts a text at its spaces, quotations kept together.
fn words(text: &str) -> Result<Vec<Word>, FilterError> {
    let mut found: Vec<Word> = Vec::new();
    let mut word: Option<Word> = None;
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                let fresh = word.is_none();
                let word = word.get_or_insert(Word { text: String::new(), quoted_from_start: false });
                word.quoted_from_start |= fresh;
            }
            space if space.is_whitespace() && !quoted => found.extend(word.take()),
            other => word.get_or_insert(Word { text: String::new(), quoted_from_start: false }).text.push(other),
        }
    }
    if quoted {
        return Err(FilterError::Quotation { text: text.to_owned() });
    }
    found.extend(word);
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_filter_is_read_as_people_write_it() {
        let filter = Filter::read("level>=warning status=500 release:3f2a \"timed out\" path=\"/a b\" http://x/y").unwrap();
        assert_eq!(filter.levels, Some(vec![LogLevel::Warning, LogLevel::Error, LogLevel::Critical]));
        assert_eq!(filter.fields, [("status".into(), "500".into()), ("path".into(), "/a b".into())]);
        assert_eq!(filter.release.as_deref(), Some("3f2a"));
        assert_eq!(filter.texts, ["timed out", "http://x/y"]);
        assert_eq!(Filter::read("level=error \"a=b\"").unwrap().texts, ["a=b"]);
        assert_eq!(Filter::read("").unwrap(), Filter::default());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert!(matches!(Filter::read("level>=loud"), Err(FilterError::Level { .. })));
        assert!(matches!(Filter::read("\"no end"), Err(FilterError::Quotation { .. })));
        assert!(matches!(Filter::read("release:"), Err(FilterError::Empty { .. })));
        assert!(matches!(Filter::read("status="), Err(FilterError::Empty { .. })));
    }
}
