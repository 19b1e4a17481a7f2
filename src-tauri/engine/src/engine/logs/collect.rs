//! Reads one stream of one instance and keeps it: lines masked, joined, and written together with how far was read.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::logs::{Cursor, Joined, Joiner, Line, Resume};
use crate::mask::{Mask, MaskStream};
use crate::store::logs::{Appended, Batch, Source};
use crate::store::{LogStore, StoreError};
use crate::target::{Follow, Target, TargetError};

/// Why a stream is not kept now. What is not kept stays with the engine.
#[derive(Debug, thiserror::Error)]
pub(in crate::engine) enum CollectError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("keeping ended before its time: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

/// Lines that are written at once.
const BATCH: usize = 4096;
/// Time that lines wait for others to be written with.
const GATHER: Duration = Duration::from_millis(100);
/// Time after which nothing more is expected to belong to what was printed last.
const QUIET: Duration = Duration::from_millis(400);

/// Keeps one stream of one instance.
pub(in crate::engine) struct Collector<'a> {
    pub target: &'a dyn Target,
    pub store: &'a LogStore,
    pub source: Source,
    pub mask: Mask,
    /// Bytes that the project's file may take.
    pub budget: u64,
}

impl Collector<'_> {
    /// Reads on from where anybody stopped, until the stream ends; returns how many records were kept. `raised` is called when an exception
    /// is among them of which people are not told yet.
    pub async fn read(&self, follow: Follow, raised: &mut (dyn FnMut() + Send)) -> Result<u64, CollectError> {
        let mut kept = 0;
        loop {
            let (store, source) = (self.store.clone(), self.source.clone());
            let after = tokio::task::spawn_blocking(move || store.cursor(&source)).await??;
            match self.read_after(after, follow, raised, &mut kept).await? {
                Ended::Done => return Ok(kept),
                // Somebody else keeps the same stream: go on where they are.
                Ended::Moved => {}
            }
        }
    }

    async fn read_after(
        &self,
        after: Option<Cursor>,
        follow: Follow,
        raised: &mut (dyn FnMut() + Send),
        kept: &mut u64,
    ) -> Result<Ended, CollectError> {
        let (sender, mut lines) = mpsc::channel(1024);
        let id = &self.source.instance.id;
        let reading = async move {
            // The sender goes with the end of reading, and with it the channel ends.
            let sender = sender;
            self.target.output(id, self.source.stream, after.map(|after| after.at), follow, &sender).await
        };
        let mut reading = pin!(reading);
        let mut outcome = None;
        let mut intake = Intake::new(after, &self.mask);
        let mut some = Vec::with_capacity(BATCH);
        loop {
            let gathered = {
                let mut gathering = pin!(gather(&mut lines, &mut some));
                loop {
                    tokio::select! {
                        ended = &mut reading, if outcome.is_none() => outcome = Some(ended),
                        gathered = &mut gathering => break gathered,
                    }
                }
            };
            intake.take(some.drain(..));
            if gathered != Gathered::Some {
                intake.flush();
            }
            if let Some((records, to)) = intake.ready() {
                let count = records.len() as u64;
                match self.keep(records, intake.kept, to).await? {
                    Appended::Kept { news } => {
                        intake.kept = Some(to);
                        *kept += count;
                        if news {
                            raised();
                        }
                    }
                    Appended::Moved(_) => return Ok(Ended::Moved),
                }
            }
            if gathered == Gathered::End {
                return outcome.unwrap_or(Ok(())).map(|()| Ended::Done).map_err(CollectError::from);
            }
        }
    }

    async fn keep(&self, records: Vec<Joined>, after: Option<Cursor>, to: Cursor) -> Result<Appended, CollectError> {
        let (store, source, budget) = (self.store.clone(), self.source.clone(), self.budget);
        let appended =
            tokio::task::spawn_blocking(move || store.append(&Batch { source: &source, after, to, records: &records, budget }));
        Ok(appended.await??)
    }
}

/// Takes lines as they come until there are enough, or none have come for a while.
async fn gather(lines: &mut mpsc::Receiver<Line>, some: &mut Vec<Line>) -> Gathered {
    let mut deadline = Instant::now() + QUIET;
    while some.len() < BATCH {
        let room = BATCH - some.len();
        match timeout_at(deadline, lines.recv_many(some, room)).await {
            Ok(0) => return Gathered::End,
            Ok(count) if some.len() == count => deadline = Instant::now() + GATHER,
            Ok(_) => {}
            Err(_) if some.is_empty() => return Gathered::Nothing,
            Err(_) => return Gathered::Some,
        }
    }
    Gathered::Some
}

enum Ended {
    Done,
    Moved,
}

#[derive(PartialEq, Eq)]
enum Gathered {
    Some,
    Nothing,
    End,
}

/// Lines on their way to records.
struct Intake {
    resume: Resume,
    mask: MaskStream,
    /// How far what is kept reaches.
    kept: Option<Cursor>,
    /// Lines whose text is not known to be free of secrets yet.
    masking: VecDeque<Cursor>,
    shown: Vec<u8>,
    joiner: Joiner,
    /// How far the stream is read with each line that was joined and is not kept.
    joined: VecDeque<Cursor>,
    records: Vec<Joined>,
}

impl Intake {
    fn new(after: Option<Cursor>, mask: &Mask) -> Self {
        Self {
            resume: Resume::new(after),
            mask: mask.stream(),
            kept: after,
            masking: VecDeque::new(),
            shown: Vec::new(),
            joiner: Joiner::default(),
            joined: VecDeque::new(),
            records: Vec::new(),
        }
    }

    fn take(&mut self, lines: impl Iterator<Item = Line>) {
        let mut bytes = Vec::new();
        for line in lines {
            if let Some(cursor) = self.resume.next(line.at) {
                self.masking.push_back(cursor);
                // A bare carriage return stays; a line end within a line there is none.
                bytes.extend_from_slice(line.text.as_bytes());
                bytes.push(b'\n');
            }
        }
        let shown = self.mask.push(&bytes);
        self.show(shown);
    }

    /// Takes what is held back as it is: nothing more belongs to it.
    fn flush(&mut self) {
        let shown = self.mask.finish();
        self.show(shown);
        self.joiner.flush(&mut self.records);
    }

    fn show(&mut self, shown: Vec<u8>) {
        self.shown.extend(shown);
        let mut rest = self.shown.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let Some(cursor) = self.masking.pop_front() else { break };
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            self.joined.push_back(cursor);
            let text = String::from_utf8_lossy(line).into_owned();
            self.joiner.push(Line { at: cursor.at, text }, &mut self.records);
        }
        let done = self.shown.len() - rest.len();
        self.shown.drain(..done);
    }

    /// Returns the records that are complete, and how far the stream is read with them.
    fn ready(&mut self) -> Option<(Vec<Joined>, Cursor)> {
        let lines: usize = self.records.iter().map(|record| record.lines as usize).sum();
        let to = self.joined.drain(..lines.min(self.joined.len())).next_back()?;
        Some((std::mem::take(&mut self.records), to))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mask::Secret;

    #[test]
    fn a_secret_that_stands_on_two_lines_is_hidden_and_lines_stay_lines() {
        let mut intake = Intake::new(None, &Mask::new(&[Secret::new("first-half\nsecond-half")]));
        let lines = ["a first-half", "second-half b", "c"];
        let line = |(at, text): (i64, &&str)| Line { at, text: (*text).to_owned() };
        intake.take((1..).zip(&lines[..1]).map(line));
        assert!(intake.ready().is_none(), "it was shown before it was known");
        intake.take((2..).zip(&lines[1..]).map(line));
        intake.flush();
        let (records, to) = intake.ready().unwrap();
        let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
        assert_eq!((texts, to), (vec!["a ***", " b", "c"], Cursor { at: 3, count: 1 }));
    }

    #[test]
    fn what_is_kept_ends_before_a_traceback_that_goes_on() {
        let mut intake = Intake::new(None, &Mask::default());
        let line = |(at, text): (i64, &str)| Line { at, text: text.to_owned() };
        intake.take([(1, "a"), (2, "b"), (3, "Traceback (most recent call last):")].into_iter().map(line));
        assert_eq!(intake.ready().unwrap().1.at, 2);
        assert!(intake.ready().is_none());
        intake.take([(4, "  File \"a.py\", line 1, in f"), (5, "ValueError: x"), (9, "INFO:a:b")].into_iter().map(line));
        let (records, to) = intake.ready().unwrap();
        assert_eq!((records.len(), to.at), (2, 9));
    }
}
