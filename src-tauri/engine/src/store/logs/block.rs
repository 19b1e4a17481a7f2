//! The bytes of a block: what is said of every record, then all texts, together compressed by zstd.

use super::super::StoreError;
use crate::model::{LogLevel, LogStream};

/// Records of a block: more compress better, fewer are read faster.
pub(super) const RECORDS: usize = 2048;
/// Bytes of text beyond which a block is not filled up.
pub(super) const BYTES: usize = 1024 * 1024;
/// The compressor's default: from here on, more work gains little.
const EFFORT: i32 = 3;
/// Bytes that a block may have once it is opened; more was never written.
const LARGEST: usize = 64 * 1024 * 1024;

/// One record, as it rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub seq: i64,
    pub at: i64,
    pub source: i64,
    pub level: Option<LogLevel>,
    pub stream: LogStream,
    pub text: String,
}

/// An opened block.
pub(super) struct Block {
    pub entries: Vec<Entry>,
    /// All texts, each with a line end after it.
    pub texts: String,
}

/// One record of a block.
pub(super) struct Entry {
    pub seq: i64,
    pub at: i64,
    pub source: i64,
    pub level: Option<LogLevel>,
    pub stream: LogStream,
    /// Where its text begins and ends.
    pub from: usize,
    pub to: usize,
}

impl Block {
    pub fn text(&self, entry: &Entry) -> &str {
        self.texts.get(entry.from..entry.to).unwrap_or_default()
    }

    /// Finds the record in whose text a byte is.
    pub fn at(&self, offset: usize) -> usize {
        self.entries.partition_point(|entry| entry.to < offset)
    }
}

/// Returns what a level is in flags and masks: 0 where there is none.
pub(super) fn grade(level: Option<LogLevel>) -> u8 {
    match level {
        None => 0,
        Some(LogLevel::Debug) => 1,
        Some(LogLevel::Info) => 2,
        Some(LogLevel::Warning) => 3,
        Some(LogLevel::Error) => 4,
        Some(LogLevel::Critical) => 5,
    }
}

pub(super) fn flags(level: Option<LogLevel>, stream: LogStream) -> u8 {
    grade(level) | if stream == LogStream::Stderr { 8 } else { 0 }
}

pub(super) fn read_flags(flags: u8) -> (Option<LogLevel>, LogStream) {
    let level = match flags & 7 {
        1 => Some(LogLevel::Debug),
        2 => Some(LogLevel::Info),
        3 => Some(LogLevel::Warning),
        4 => Some(LogLevel::Error),
        5 => Some(LogLevel::Critical),
        _ => None,
    };
    (level, if flags & 8 == 0 { LogStream::Stdout } else { LogStream::Stderr })
}

/// Writes a block.
pub(super) fn write(rows: &[Row]) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(rows.iter().map(|row| row.text.len() + 12).sum());
    put(&mut bytes, rows.len() as u64);
    let (mut seq, mut at) = (0_i64, 0_i64);
    for row in rows {
        put(&mut bytes, zigzag(row.seq.wrapping_sub(seq)));
        put(&mut bytes, zigzag(row.at.wrapping_sub(at)));
        put(&mut bytes, zigzag(row.source));
        bytes.push(flags(row.level, row.stream));
        put(&mut bytes, row.text.len() as u64);
        (seq, at) = (row.seq, row.at);
    }
    for row in rows {
        bytes.extend_from_slice(row.text.as_bytes());
        bytes.push(b'\n');
    }
    zstd::bulk::compress(&bytes, EFFORT).map_err(|error| unsound(&error.to_string()))
}

/// Reads a block.
pub(super) fn read(data: &[u8]) -> Result<Block, StoreError> {
    let size = zstd::zstd_safe::get_frame_content_size(data).ok().flatten().and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|size| *size <= LARGEST).ok_or_else(|| unsound("its size is not sound"))?;
    let mut bytes = zstd::bulk::decompress(data, size).map_err(|error| unsound(&error.to_string()))?;
    let mut rest = bytes.as_slice();
    let short = || unsound("it ends too early");
    let count = take(&mut rest).ok_or_else(short)?;
    let mut entries = Vec::with_capacity(usize::try_from(count).unwrap_or_default().min(1 << 20));
    let (mut seq, mut at, mut from) = (0_i64, 0_i64, 0_usize);
    for _ in 0..count {
        seq = seq.wrapping_add(unzigzag(take(&mut rest).ok_or_else(short)?));
        at = at.wrapping_add(unzigzag(take(&mut rest).ok_or_else(short)?));
        let source = unzigzag(take(&mut rest).ok_or_else(short)?);
        let (flags, after) = rest.split_first().ok_or_else(short)?;
        rest = after;
        let length = take(&mut rest).and_then(|length| usize::try_from(length).ok()).ok_or_else(short)?;
        let to = from.checked_add(length).ok_or_else(short)?;
        let (level, stream) = read_flags(*flags);
        entries.push(Entry { seq, at, source, level, stream, from, to });
        from = to.checked_add(1).ok_or_else(short)?;
    }
    if rest.len() != from {
        return Err(unsound("its texts do not fit"));
    }
    let begin = bytes.len() - rest.len();
    bytes.drain(..begin);
    let texts = String::from_utf8(bytes).map_err(|error| unsound(&error.to_string()))?;
    Ok(Block { entries, texts })
}

fn unsound(reason: &str) -> StoreError {
    StoreError::Shape { reason: format!("a block of log records: {reason}") }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
