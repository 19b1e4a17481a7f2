//! Tells about a run while it goes on: facts in, lines out.
//!
//! [`Narrator`] is a pure state machine from updates to what should be on a screen; [`Paper`] puts that on a terminal, in a file or
//! nowhere. Neither knows where a run comes from.

mod annotations;
mod ending;
mod evidence;
mod gate;
mod human;
mod layout;
mod narrator;
mod paper;
mod programs;
mod rollout;

use nonevent_engine::Update;
use nonevent_engine::request::Outcome;

pub use annotations::{Workflow, prefix};
pub use ending::sentence;
pub use gate::{Look, lines as gate_lines};
pub use human::HumanTeller;
pub use layout::{Glyph, Row};
pub use narrator::{Live, LiveKey, Mark, Narrator};
pub use paper::Paper;
pub use programs::JsonTeller;
pub use rollout::plan_lines;

/// What happens to the lines that gates, builds and one-off containers print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They are shown as they come.
    Shown,
    /// The last ones are kept, for the case that something fails.
    Kept,
}

/// Somebody who tells about a run.
pub trait Teller {
    /// Takes the next thing that the run tells.
    fn update(&mut self, update: &Update);
    /// Tells that the run is being stopped.
    fn stopping(&mut self);
    /// Tells that no update comes any more; leaves nothing moving.
    fn close(&mut self);
    /// Parts what was told from the error that follows.
    fn part(&mut self);
    /// Tells how a run ended that did what was asked.
    fn succeeded(&mut self, outcome: &Outcome);
    /// Returns what the run showed that explains a failure, oldest first.
    fn evidence(&self) -> Vec<String>;
}
