//! What a run showed before it failed: the last probes and lines, kept for an error that brings no evidence of its own.

use std::collections::VecDeque;

use nonevent_engine::model::{LogLine, ProbeAttempt};

use super::rollout;

const LINES: usize = 20;
const PROBES: usize = 12;

/// The last probes and the last lines of the run.
#[derive(Debug, Default)]
pub struct Evidence {
    lines: VecDeque<LogLine>,
    probes: VecDeque<ProbeAttempt>,
}

impl Evidence {
    /// Takes a line.
    pub fn line(&mut self, line: &LogLine) {
        push(&mut self.lines, line.clone(), LINES);
    }

    /// Takes a probe.
    pub fn probe(&mut self, probe: &ProbeAttempt) {
        push(&mut self.probes, probe.clone(), PROBES);
    }

    /// Forgets the lines: what printed them ended well, or has told about itself.
    pub fn forget_lines(&mut self) {
        self.lines.clear();
    }

    /// Forgets the probes: they passed in the end.
    pub fn forget_probes(&mut self) {
        self.probes.clear();
    }

    /// Returns what is left, oldest first.
    pub fn told(&self) -> Vec<String> {
        let mut told = rollout::transcript(self.probes.iter());
        if !told.is_empty() && !self.lines.is_empty() {
            told.push(String::new());
        }
        let mut source = None;
        for line in &self.lines {
            if source != Some(&line.source) {
                told.push(format!("last lines of {}:", line.source));
                source = Some(&line.source);
            }
            told.push(format!("  {}", line.text));
        }
        told
    }
}

fn push<T>(kept: &mut VecDeque<T>, new: T, most: usize) {
    if kept.len() == most {
        kept.pop_front();
    }
    kept.push_back(new);
}
