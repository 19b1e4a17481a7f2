//! Runs as the engine would tell them, written down.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use nonevent_engine::event::{StageFinished, StepFinished, StepStarted};
use nonevent_engine::model::{
    EnvironmentName, LogLine, LogStream, RunId, RunRecord, RunState, Stage, StageState, StepKind, StepState,
};
use nonevent_engine::request::{Approval, Outcome, Run};
use nonevent_engine::{EngineError, Event, EventBody, Update};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// What a run told, with moments at which somebody looks at the screen.
#[derive(Debug, Clone)]
pub struct Recording {
    pub updates: Vec<Update>,
    pub looks: Vec<(usize, &'static str)>,
    seq: i64,
    now: Timestamp,
    run: RunId,
    step: u32,
}

impl Recording {
    pub fn of(verb: &str) -> Self {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let run = RunId::new("0193574e28007a0c8f1d2b3c4d5e6f70");
        let mut recording = Self { updates: Vec::new(), looks: Vec::new(), seq: 0, now, run: run.clone(), step: 0 };
        recording.event(EventBody::RunStarted(RunRecord {
            id: run,
            project: "shop".into(),
            environment: Some(EnvironmentName::new("local")),
            verb: verb.into(),
            state: RunState::Running,
            release: None,
            started_at: recording.at(),
            finished_at: None,
            by: "ada@laptop".into(),
        }));
        recording
    }

    fn at(&self) -> String {
        self.now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    pub fn event(&mut self, body: EventBody) -> &mut Self {
        self.seq += 1;
        let event = Event { v: 1, seq: self.seq, at: self.at(), project: "shop".into(), run: self.run.clone(), body };
        self.updates.push(Update::Event(Box::new(event)));
        self
    }

    pub fn wait(&mut self, milliseconds: u64) -> &mut Self {
        self.now += SignedDuration::from_millis(milliseconds.try_into().unwrap());
        self
    }

    pub fn look(&mut self, what: &'static str) -> &mut Self {
        self.looks.push((self.updates.len(), what));
        self
    }

    pub fn line(&mut self, source: &str, text: &str) -> &mut Self {
        let at = Some(self.at());
        self.updates.push(Update::Line(LogLine { source: source.into(), stream: LogStream::Stdout, at, text: text.into() }));
        self
    }

    pub fn progress(&mut self, stage: Stage, text: &str) -> &mut Self {
        self.updates.push(Update::Progress { stage, text: text.into() });
        self
    }

    pub fn begin(&mut self, stage: Stage) -> &mut Self {
        self.event(EventBody::StageStarted { stage })
    }

    pub fn end(&mut self, stage: Stage, state: StageState, summary: &str, duration_ms: u64) -> &mut Self {
        self.event(EventBody::StageFinished(StageFinished { stage, state, summary: summary.into(), duration_ms }))
    }

    pub fn stage(&mut self, stage: Stage, summary: &str, duration_ms: u64) -> &mut Self {
        self.begin(stage).wait(duration_ms).end(stage, StageState::Done, summary, duration_ms)
    }

    pub fn step_begins(&mut self, kind: StepKind, title: &str) -> &mut Self {
        self.event(EventBody::StepStarted(StepStarted { position: self.step, kind, title: title.into() }))
    }

    pub fn step_ends(&mut self, kind: StepKind, title: &str, state: StepState, duration_ms: u64) -> &mut Self {
        let position = self.step;
        self.step += 1;
        self.wait(duration_ms).event(EventBody::StepFinished(StepFinished {
            position,
            kind,
            state,
            title: title.into(),
            duration_ms,
        }))
    }

    pub fn step(&mut self, kind: StepKind, title: &str, duration_ms: u64) -> &mut Self {
        self.step_begins(kind.clone(), title).step_ends(kind, title, StepState::Done, duration_ms)
    }

    pub fn finish(&mut self, state: RunState) -> &mut Self {
        self.event(EventBody::RunFinished { state, release: None, url: None, problem: None })
    }
}

/// A run that tells all of this at once and has ended so.
pub fn replay(recording: &Recording, outcome: Result<Outcome, EngineError>) -> Run {
    let (sender, updates) = mpsc::channel(recording.updates.len().max(1));
    for update in &recording.updates {
        sender.try_send(update.clone()).unwrap();
    }
    let (tell, told) = oneshot::channel();
    tell.send(outcome).unwrap();
    Run { id: recording.run.clone(), updates, outcome: told, cancel: CancellationToken::new(), approval: Approval::default() }
}

/// Something to write to that can be read afterwards.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
