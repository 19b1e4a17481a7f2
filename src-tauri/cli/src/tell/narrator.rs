//! The state machine from what a run tells to what should be on the screen. Pure: no clock, no terminal.

use std::collections::HashSet;

use nonevent_engine::event::{StageFinished, StepFinished, StepStarted};
use nonevent_engine::model::{
    GateReport, LockReport, LogLine, Plan, ProbeAttempt, ProjectName, RolloutState, RunState, Stage, StageState, StepKind,
    StepState,
};
use nonevent_engine::{Event, EventBody, Update};

use super::evidence::Evidence;
use super::layout::{self, Glyph, Row};
use super::{Lines, gate, rollout};
use crate::paint::{Paint, Tone};
use crate::words;

/// Something that goes on and is shown moving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveKey {
    /// A stage.
    Stage(Stage),
    /// A gate.
    Gate(String),
    /// A step of the rollout, by its place in the plan.
    Step(u32),
}

/// A moving line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// What it is about.
    pub key: LiveKey,
    /// Steps to the right.
    pub indent: usize,
    /// Name and what is being done, without spinner and time.
    pub text: String,
}

/// One change of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A line is printed for good, above everything that moves.
    Print(String),
    /// A moving line appears, or changes.
    Show(Live),
    /// A moving line disappears.
    Hide(LiveKey),
}

/// Turns a run's updates into changes of the screen.
#[derive(Debug)]
pub struct Narrator {
    paint: Paint,
    lines: Lines,
    width: Option<usize>,
    project: Option<ProjectName>,
    verb: String,
    plan: Option<Plan>,
    switched: bool,
    stopping: bool,
    headed: HashSet<Stage>,
    gates: Vec<GateReport>,
    lock: Option<LockReport>,
    warned: HashSet<String>,
    live: Vec<(LiveKey, String)>,
    awaiting: Option<(u32, String)>,
    evidence: Evidence,
    started_at: Option<String>,
    seen_at: Option<String>,
}

impl Narrator {
    /// A narrator that has heard nothing yet.
    pub fn new(paint: Paint, lines: Lines) -> Self {
        Self {
            paint,
            lines,
            width: None,
            project: None,
            verb: String::new(),
            plan: None,
            switched: false,
            stopping: false,
            headed: HashSet::new(),
            gates: Vec::new(),
            lock: None,
            warned: HashSet::new(),
            live: Vec::new(),
            awaiting: None,
            evidence: Evidence::default(),
            started_at: None,
            seen_at: None,
        }
    }

    /// Keeps what can be kept within a terminal's columns.
    pub fn within(mut self, width: Option<usize>) -> Self {
        self.width = width;
        self
    }

    /// Takes the next thing that the run tells.
    pub fn tell(&mut self, update: &Update) -> Vec<Mark> {
        match update {
            Update::Event(event) => self.event(event),
            Update::Line(line) => self.line(line),
            Update::Progress { stage, text } if self.is_live(&LiveKey::Stage(*stage)) => {
                vec![self.show(LiveKey::Stage(*stage), stage.word(), text)]
            }
            Update::Progress { .. } => Vec::new(),
        }
    }

    /// Tells that the run is being stopped, and what that leaves.
    pub fn stopping(&mut self) -> Vec<Mark> {
        self.stopping = true;
        let what = match (self.verb.as_str(), &self.plan) {
            ("check" | "down", _) => "stopping",
            _ if self.switched => "stopping: the new release serves already",
            (_, Some(Plan { from: None, .. })) => "stopping: nothing served before, nothing will",
            _ => "stopping: the old release goes on serving",
        };
        vec![Mark::Print(format!("{what} (Ctrl-C again ends this at once)"))]
    }

    /// Takes everything that moves off the screen.
    pub fn close(&mut self) -> Vec<Mark> {
        self.live.drain(..).rev().map(|(key, _)| Mark::Hide(key)).collect()
    }

    /// Returns the project, once it is known.
    pub fn project(&self) -> Option<&ProjectName> {
        self.project.as_ref()
    }

    /// Returns the gates that have ended.
    pub fn gates(&self) -> &[GateReport] {
        &self.gates
    }

    /// Returns the milliseconds from the run's beginning to the last event.
    pub fn took(&self) -> Option<u64> {
        words::between(self.started_at.as_ref()?, self.seen_at.as_ref()?)
    }

    /// Returns the last probes and lines, when they may explain a failure.
    pub fn evidence(&self) -> Vec<String> {
        self.evidence.told()
    }

    fn event(&mut self, event: &Event) -> Vec<Mark> {
        self.project.get_or_insert_with(|| event.project.clone());
        self.started_at.get_or_insert_with(|| event.at.clone());
        self.seen_at = Some(event.at.clone());
        match &event.body {
            EventBody::RunStarted(run) => {
                self.verb.clone_from(&run.verb);
                Vec::new()
            }
            EventBody::StageStarted { stage } => vec![self.show(LiveKey::Stage(*stage), stage.word(), "")],
            EventBody::StageFinished(StageFinished { stage, state, summary, duration_ms }) => {
                self.stage_finished(*stage, state, summary, *duration_ms)
            }
            EventBody::WarningRaised { message, hint } => self.warn(message, hint.as_deref()),
            EventBody::LockChecked(report) => {
                self.lock = Some(report.clone());
                Vec::new()
            }
            EventBody::ImageBuilt(image) => image.warnings.iter().flat_map(|warning| self.warn(warning, None)).collect(),
            EventBody::GateStarted { gate, command } => {
                let mut marks = self.head(Stage::Gauntlet);
                marks.push(self.show(LiveKey::Gate(gate.clone()), gate, command));
                marks
            }
            EventBody::GateFinished(report) => self.gate_finished(report),
            EventBody::ReleaseMade { .. } | EventBody::IncidentChanged { .. } => Vec::new(),
            EventBody::RolloutPlanned { plan, .. } => self.planned(plan),
            EventBody::StepStarted(StepStarted { position, kind, title }) => {
                if *kind == StepKind::Await {
                    self.awaiting = Some((*position, title.clone()));
                }
                let mut marks = self.live_stage().map(|stage| self.head(stage)).unwrap_or_default();
                marks.push(self.show(LiveKey::Step(*position), title, ""));
                marks
            }
            EventBody::StepFinished(StepFinished { position, kind, state, title, duration_ms }) => {
                self.step_finished(*position, kind, *state, title, *duration_ms)
            }
            EventBody::ProbeMade(probe) => self.probed(probe),
            EventBody::RolloutFinished { state: RolloutState::Failed | RolloutState::Cancelled, serving, .. } => {
                let environment = self.plan.as_ref().map_or("the environment", |plan| plan.environment.as_str());
                vec![Mark::Print(layout::under(0, &rollout::aftermath(environment, serving.as_ref())))]
            }
            EventBody::RolloutFinished { state: RolloutState::WentBack, serving, .. } => {
                let environment = self.plan.as_ref().map_or("the environment", |plan| plan.environment.as_str());
                vec![Mark::Print(layout::under(0, &rollout::returned(environment, serving.as_ref())))]
            }
            EventBody::PreviewReady { url: Some(url), .. } => {
                vec![Mark::Print(layout::under(1, &format!("only the new instances answer at {url}")))]
            }
            EventBody::ReleasesCompared { verdict, .. } => vec![Mark::Print(layout::under(1, &rollout::compared(verdict)))],
            // Whoever can answer is asked by whoever follows the run.
            EventBody::ApprovalWanted { .. } | EventBody::PreviewReady { url: None, .. } => Vec::new(),
            // The error at the end tells it in full.
            EventBody::DiagnosisMade { .. } | EventBody::RolloutFinished { .. } => Vec::new(),
            EventBody::RunFinished { state: RunState::Cancelled, .. } => self.stopped(),
            EventBody::RunFinished { .. } => self.close(),
        }
    }

    fn line(&mut self, line: &LogLine) -> Vec<Mark> {
        if !self.is_live(&LiveKey::Gate(line.source.clone())) {
            self.evidence.line(line);
        }
        match self.lines {
            Lines::Kept => Vec::new(),
            Lines::Shown => {
                let source = self.paint.tone(Tone::Faint, &format!("{} |", line.source));
                vec![Mark::Print(format!("    {source} {}", line.text).trim_end().to_owned())]
            }
        }
    }

    fn stage_finished(&mut self, stage: Stage, state: &StageState, summary: &str, took: u64) -> Vec<Mark> {
        let mut marks = self.end_parts(stage);
        marks.extend(self.hide(&LiveKey::Stage(stage)));
        let (glyph, summary, took) = match state {
            StageState::Unchanged if summary.is_empty() => (Glyph::Done, "unchanged".into(), Some(took)),
            StageState::Done | StageState::Unchanged => (Glyph::Done, summary.to_owned(), Some(took)),
            StageState::Skipped { reason } => (Glyph::Idle, format!("skipped: {reason}"), None),
            StageState::Failed if self.stopping => (Glyph::Idle, "stopped".into(), Some(took)),
            // The error at the end tells it in full.
            StageState::Failed => (Glyph::Failed, layout::brief(summary), Some(took)),
        };
        if *state != StageState::Failed {
            self.evidence.forget_lines();
        }
        let row = Row { indent: 0, glyph, name: stage.word(), summary: &summary, took };
        marks.push(Mark::Print(row.render(self.paint)));
        if stage == Stage::Lock && *state != StageState::Failed {
            // What is wrong with a lock that was refused is told by the error.
            let findings = self.lock.take().map(|lock| lock.findings).unwrap_or_default();
            marks.extend(findings.iter().flat_map(|finding| self.warn(&finding.message, Some(&finding.hint))));
        }
        marks
    }

    /// The same warning may come as an event and as part of a report; it is told once.
    fn warn(&mut self, message: &str, hint: Option<&str>) -> Vec<Mark> {
        if !self.warned.insert(message.to_owned()) {
            return Vec::new();
        }
        let mark = self.paint.tone(Tone::Warn, Glyph::Trouble.shape());
        let message = message.trim_end().replace('\n', "\n  ");
        let mut marks = vec![Mark::Print(format!("{mark} {message}"))];
        marks.extend(hint.filter(|hint| !hint.is_empty()).map(|hint| Mark::Print(format!("  hint: {hint}"))));
        marks
    }

    /// The line above what belongs to a stage, once. From now on its parts move instead of itself.
    fn head(&mut self, stage: Stage) -> Vec<Mark> {
        if !self.headed.insert(stage) {
            return Vec::new();
        }
        let mut marks = self.suspend(stage);
        match (&self.plan, stage) {
            (Some(plan), Stage::Rollout) => marks.extend(rollout::heading(plan, self.paint).into_iter().map(Mark::Print)),
            _ => {
                let row = Row { indent: 0, glyph: Glyph::Heading, name: stage.word(), summary: "", took: None };
                marks.push(Mark::Print(row.render(self.paint)));
            }
        }
        marks
    }

    fn gate_finished(&mut self, report: &GateReport) -> Vec<Mark> {
        let now = self.seen_at.as_ref().and_then(|at| at.parse().ok());
        let look = gate::Look { paint: self.paint, lines: self.lines, width: self.width, now };
        let mut marks = self.head(Stage::Gauntlet);
        marks.extend(self.hide(&LiveKey::Gate(report.gate.clone())));
        marks.extend(gate::lines(report, &look).into_iter().map(Mark::Print));
        self.gates.push(report.clone());
        marks
    }

    fn planned(&mut self, plan: &Plan) -> Vec<Mark> {
        self.plan = Some(plan.clone());
        match plan.steps.is_empty() {
            true => Vec::new(),
            false => self.head(Stage::Rollout),
        }
    }

    fn step_finished(&mut self, position: u32, kind: &StepKind, state: StepState, title: &str, took: u64) -> Vec<Mark> {
        let glyph = match state {
            StepState::Done => Glyph::Done,
            StepState::Failed if self.stopping => Glyph::Idle,
            StepState::Failed => Glyph::Failed,
            StepState::Planned | StepState::Started => Glyph::Idle,
        };
        if state == StepState::Done {
            self.evidence.forget_lines();
        }
        match (kind, state) {
            (StepKind::Await, StepState::Done) => self.evidence.forget_probes(),
            (StepKind::Switch, StepState::Done) => self.switched = true,
            _ => {}
        }
        if *kind == StepKind::Await {
            self.awaiting = None;
        }
        let mut marks = self.hide(&LiveKey::Step(position));
        let row = Row { indent: 1, glyph, name: title, summary: "", took: Some(took) };
        marks.push(Mark::Print(row.render(self.paint)));
        marks
    }

    fn probed(&mut self, probe: &ProbeAttempt) -> Vec<Mark> {
        self.evidence.probe(probe);
        match self.awaiting.clone() {
            Some((position, title)) => {
                let text = format!("{title}  {}", self.paint.tone(Tone::Faint, &rollout::probing(probe)));
                vec![self.show(LiveKey::Step(position), &text, "")]
            }
            None => Vec::new(),
        }
    }

    /// What a person stopped is told as stopped: what belongs to a stage before the stage, as if both had ended.
    fn stopped(&mut self) -> Vec<Mark> {
        let (stages, parts): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.live).into_iter().partition(|(key, _)| matches!(key, LiveKey::Stage(_)));
        parts.into_iter().chain(stages).flat_map(|(key, name)| self.stop(key, &name)).collect()
    }

    /// A stage that ends takes with it what belongs to it and has not said how it ended.
    fn end_parts(&mut self, stage: Stage) -> Vec<Mark> {
        let belongs = |key: &LiveKey| match key {
            LiveKey::Stage(_) => false,
            LiveKey::Gate(_) => stage == Stage::Gauntlet,
            LiveKey::Step(_) => matches!(stage, Stage::Rollout | Stage::Bake),
        };
        let (ended, live) = std::mem::take(&mut self.live).into_iter().partition(|(key, _)| belongs(key));
        self.live = live;
        let told = |(key, name): (LiveKey, String)| match self.stopping {
            true => self.stop(key, &name),
            false => vec![Mark::Hide(key)],
        };
        Vec::into_iter(ended).flat_map(told).collect()
    }

    fn stop(&self, key: LiveKey, name: &str) -> Vec<Mark> {
        let row = Row { indent: indent(&key), glyph: Glyph::Idle, name, summary: "stopped", took: None };
        let line = row.render(self.paint);
        vec![Mark::Hide(key), Mark::Print(line)]
    }

    fn live_stage(&self) -> Option<Stage> {
        self.live.iter().rev().find_map(|(key, _)| match key {
            LiveKey::Stage(stage) => Some(*stage),
            LiveKey::Gate(_) | LiveKey::Step(_) => None,
        })
    }

    fn is_live(&self, key: &LiveKey) -> bool {
        self.live.iter().any(|(live, _)| live == key)
    }

    fn show(&mut self, key: LiveKey, name: &str, doing: &str) -> Mark {
        if !self.is_live(&key) {
            self.live.push((key.clone(), name.to_owned()));
        }
        let indent = indent(&key);
        Mark::Show(Live { key, indent, text: layout::live(indent, name, doing, self.paint) })
    }

    fn hide(&mut self, key: &LiveKey) -> Vec<Mark> {
        let before = self.live.len();
        self.live.retain(|(live, _)| live != key);
        match self.live.len() < before {
            true => vec![Mark::Hide(key.clone())],
            false => Vec::new(),
        }
    }

    /// Takes a stage's moving line away without forgetting that it goes on: from now on what belongs to it moves.
    fn suspend(&self, stage: Stage) -> Vec<Mark> {
        match self.is_live(&LiveKey::Stage(stage)) {
            true => vec![Mark::Hide(LiveKey::Stage(stage))],
            false => Vec::new(),
        }
    }
}

fn indent(key: &LiveKey) -> usize {
    match key {
        LiveKey::Stage(_) => 0,
        LiveKey::Gate(_) | LiveKey::Step(_) => 1,
    }
}
