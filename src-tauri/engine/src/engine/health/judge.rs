//! Keeps samples, judges them, and keeps incidents: what each probe's last samples mean, and what they mean together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::Key;
use super::look::{DISK, Subject, Subjects, subject};
use crate::engine::{Engine, Watched};
use crate::event::EventBody;
use crate::health::incident::{Course, Rollout, Step};
use crate::health::verdict::{Verdict, together};
use crate::health::{Sample, notice};
use crate::mask::Mask;
use crate::model::{Diagnosis, Gap, HealthState, Incident, RunId, Series, Unit};
use crate::rollout::diagnose_serving;
use crate::store::health::Measured;
use crate::store::{HealthStore, StoreError, format_time, now};
use crate::target::Place;

/// How long before an incident a change may be its cause, milliseconds.
const SHORTLY: i64 = 60 * 60 * 1000;

/// What is thought of every environment.
pub(super) struct Judge {
    engine: Engine,
    store: HealthStore,
    subjects: Subjects,
    tell: mpsc::Sender<Watched>,
    verdicts: BTreeMap<Key, (Verdict, String)>,
    courses: BTreeMap<Place, Course>,
}

impl Judge {
    pub fn new(engine: Engine, store: HealthStore, subjects: Subjects, tell: mpsc::Sender<Watched>) -> Self {
        Self { engine, store, subjects, tell, verdicts: BTreeMap::new(), courses: BTreeMap::new() }
    }

    /// Judges until nobody measures any more.
    pub async fn run(mut self, mut samples: mpsc::Receiver<(Key, Vec<Sample>)>) {
        while let Some((key, samples)) = samples.recv().await {
            for sample in samples {
                if let Err(error) = self.take(&key, sample).await {
                    // A full disk must not end watching.
                    let _ = self.tell.send(Watched::Trouble { message: format!("{}: {error}", key.0) }).await;
                }
            }
        }
    }

    async fn take(&mut self, key: &Key, mut sample: Sample) -> Result<(), StoreError> {
        let (place, name) = key;
        let Some(subject) = subject(&self.subjects, place) else {
            self.verdicts.retain(|(other, _), _| other != place);
            return Ok(());
        };
        let Some(rules) = subject.rules.get(name) else { return Ok(()) };
        if !sample.finding.is_empty() {
            let secrets = subject.target.secrets_of(place).await.unwrap_or_default();
            sample.finding = Mask::new(&secrets).text(&sample.finding).into_owned();
        }
        let kept = if name == DISK { Ok(()) } else { self.store.append(&[measured(key, &sample)]) };
        let (verdict, finding) = self.verdicts.entry(key.clone()).or_insert_with(|| (Verdict::new(*rules), String::new()));
        let judged = verdict.take(&sample);
        if !sample.finding.is_empty() {
            finding.clone_from(&sample.finding);
        }
        if let Some(change) = judged.change {
            let (place, probe) = (place.clone(), name.clone());
            let told = Watched::Verdict { place, probe, from: change.from, to: change.to, finding: sample.finding.clone() };
            let _ = self.tell.send(told).await;
        }
        // Probes that are no longer written say nothing.
        self.verdicts.retain(|(other, name), _| other != place || subject.rules.contains_key(name));
        // What could not be written is told; what it means is judged all the same.
        let moved = self.go_on(key, &sample, &subject).await;
        if let Some((from, to)) = judged.gap {
            let reason = "this machine slept, or nobody watched".to_owned();
            self.store.note_gap(place, &Gap { from, to, reason })?;
        }
        kept.and(moved)
    }

    async fn go_on(&mut self, key: &Key, sample: &Sample, subject: &Subject) -> Result<(), StoreError> {
        let place = &key.0;
        let states = self.verdicts.iter().filter(|((other, _), _)| other == place).map(|(_, (verdict, _))| verdict.state());
        let state = together(states);
        let kept = self.store.keep_state(place, state, sample.at);
        if !self.courses.contains_key(place) {
            let open = self.store.open_incident(place)?;
            self.courses.insert(place.clone(), Course::with(open.map(|incident| incident.worst)));
        }
        let course = self.courses.entry(place.clone()).or_default();
        let fallen = matches!(state, HealthState::Down | HealthState::Degraded);
        let rollout = match fallen && subject.target.held(place).await.is_ok_and(|held| held.is_some()) {
            true => Rollout::InProgress,
            false => Rollout::None,
        };
        let Some(step) = course.take(state, rollout) else { return kept };
        let known = self.store.open_incident(place)?;
        let incident = match (step, known) {
            (Step::Open(worst), _) => self.begin(place, worst, subject).await?,
            (Step::Worse(worst), Some(incident)) => {
                let diagnosis = self.diagnosis(place, subject).await.or(incident.diagnosis);
                Incident { worst, diagnosis, ..incident }
            }
            (Step::Close, Some(incident)) => Incident { closed_at: Some(now()), ..incident },
            (Step::Worse(_) | Step::Close, None) => return kept,
        };
        let written = self.store.keep_incident(&incident);
        let run = RunId::new(format!("incident-{}", incident.id));
        let event = EventBody::IncidentChanged { incident: Box::new(incident.clone()) };
        let written = written.and(self.engine.store.append(&place.project, &run, event).map(drop));
        let _ = self.tell.send(Watched::Incident(Box::new(incident.clone()))).await;
        let notice = notice::of_incident(&incident, subject.url.clone(), now());
        self.engine.give(notice, subject, &self.store, &self.tell).await;
        kept.and(written)
    }

    async fn begin(&self, place: &Place, worst: HealthState, subject: &Subject) -> Result<Incident, StoreError> {
        let at = Timestamp::now();
        let failing = self.verdicts.iter().filter(|((other, _), _)| other == place);
        let first = failing.max_by_key(|(_, (verdict, _))| (verdict.state() == worst, verdict.state() == HealthState::Down));
        let (probe, finding) = first.map(|((_, name), (_, finding))| (name.clone(), finding.clone())).unwrap_or_default();
        let from = at.as_millisecond() - SHORTLY;
        let markers = self.store.markers(place, from, at.as_millisecond())?;
        let changes = markers.iter().rev().map(|marker| {
            let minutes = (at.as_millisecond() - marker.at) / 60_000;
            format!("{}, {minutes} min before", marker.text)
        });
        Ok(Incident {
            id: uuid::Uuid::now_v7().simple().to_string(),
            project: place.project.clone(),
            environment: place.environment.clone(),
            worst,
            opened_at: format_time(at),
            closed_at: None,
            probe,
            finding,
            release: Some(subject.record.release.id.clone()),
            diagnosis: self.diagnosis(place, subject).await,
            changes: changes.collect(),
        })
    }

    /// Examines what serves as a rollout examines its new instances; what cannot be found out is left out.
    async fn diagnosis(&self, place: &Place, subject: &Subject) -> Option<Diagnosis> {
        let observed = subject.target.observe(place).await.ok()?;
        let record = &observed.serving.as_ref()?.record;
        let found = diagnose_serving(subject.target.as_ref(), place, record, &observed.instances).await;
        found.ok().flatten()
    }
}

fn measured(key: &Key, sample: &Sample) -> Measured {
    let series = Series { name: format!("probe:{}", key.1), unit: Unit::Microseconds };
    Measured { place: key.0.clone(), series, at: sample.at, outcome: sample.outcome, value: sample.took }
}
