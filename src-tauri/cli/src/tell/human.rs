//! Tells people about a run: its course on standard error, its result on standard output.

use nonevent_engine::Update;
use nonevent_engine::request::Outcome;

use super::{Lines, Mark, Narrator, Paper, Teller, sentence};
use crate::out::Out;
use crate::paint::{Paint, Tone};

/// Tells people about a run.
pub struct HumanTeller {
    narrator: Narrator,
    paper: Paper,
    result: Out,
    result_paint: Paint,
    /// Whether a line was printed for good.
    told: bool,
}

impl HumanTeller {
    /// Writes the course on paper and the result on `result`, each with its own paint: the result's first.
    pub fn new(paper: Paper, result: Out, (result_paint, paint): (Paint, Paint), lines: Lines) -> Self {
        Self { narrator: Narrator::new(paint, lines), paper, result, result_paint, told: false }
    }
}

impl HumanTeller {
    /// Keeps what can be kept within a terminal's columns.
    pub fn within(self, width: Option<usize>) -> Self {
        Self { narrator: self.narrator.within(width), ..self }
    }
}

impl Teller for HumanTeller {
    fn update(&mut self, update: &Update) {
        let marks = self.narrator.tell(update);
        self.told |= marks.iter().any(|mark| matches!(mark, Mark::Print(_)));
        self.paper.apply(marks);
    }

    fn stopping(&mut self) {
        let marks = self.narrator.stopping();
        self.paper.apply(marks);
    }

    fn close(&mut self) {
        let marks = self.narrator.close();
        self.paper.apply(marks);
    }

    fn part(&mut self) {
        if self.told {
            self.paper.apply(vec![Mark::Print(String::new())]);
        }
    }

    fn succeeded(&mut self, outcome: &Outcome) {
        let sentence = sentence(outcome, &self.narrator);
        self.result.line(&self.result_paint.tone(Tone::Strong, &sentence));
    }

    fn evidence(&self) -> Vec<String> {
        self.narrator.evidence()
    }
}
