//! Goes on with a stream where somebody stopped: an engine can only be asked for everything since a second.

/// How far a stream was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last line, nanoseconds since 1970.
    pub at: i64,
    /// How many lines of that time were read.
    pub count: u32,
}

/// Tells lines that were read before from new ones, and counts on.
#[derive(Debug)]
pub struct Resume {
    before: Option<Cursor>,
    /// Lines of the cursor's own time that were met again.
    again: u32,
    now: Option<Cursor>,
}

impl Resume {
    /// Begins behind a cursor, or at the beginning.
    pub fn new(before: Option<Cursor>) -> Self {
        Self { before, again: 0, now: before }
    }

    /// Takes the time of the next line; returns how far the stream is read with it, if it is a new one.
    ///
    /// Once the place is found everything is new, whatever its time: clocks are set back. A place that is no longer there, because the
    /// engine threw the line away, is found at the first line after its time.
    pub fn next(&mut self, at: i64) -> Option<Cursor> {
        if let Some(before) = self.before {
            if at < before.at {
                return None;
            }
            if at == before.at {
                self.again += 1;
                if self.again >= before.count {
                    self.before = None;
                }
                return None;
            }
            self.before = None;
        }
        let count = match self.now {
            Some(now) if now.at == at => now.count.saturating_add(1),
            _ => 1,
        };
        self.now = Some(Cursor { at, count });
        self.now
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut resume = Resume::new(Some(Cursor { at: 5, count: 2 }));
        let new: Vec<_> = [4, 5, 5, 5, 3, 3, 9].into_iter().filter_map(|at| resume.next(at)).collect();
        let expected = [(5, 3), (3, 1), (3, 2), (9, 1)].map(|(at, count)| Cursor { at, count });
        assert_eq!(new, expected);
        let mut gone = Resume::new(Some(Cursor { at: 5, count: 2 }));
        assert_eq!(gone.next(7), Some(Cursor { at: 7, count: 1 }));
    }

    proptest! {
        #[test]
        fn whoever_reads_on_reads_every_line_once(steps in proptest::collection::vec(0_i64..2, 1..60), cuts in proptest::collection::vec(0_usize..60, 0..8)) {
            let times: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
            let (mut cursor, mut read, mut cuts) = (None, 0, cuts);
            cuts.sort_unstable();
            cuts.push(times.len());
            for cut in cuts {
                let mut resume = Resume::new(cursor);
                // Asked for everything since the second of the cursor: here one time stands for one second.
                let since = cursor.map_or(0, |cursor: Cursor| cursor.at);
                for at in times.iter().take(cut.max(read)).filter(|at| **at >= since) {
                    if let Some(next) = resume.next(*at) {
                        cursor = Some(next);
                        read += 1;
                    }
                }
            }
            prop_assert_eq!(read, times.len());
        }
    }
}
