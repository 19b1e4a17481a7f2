//! Keeps samples, judges them, and keeps incidents: what each probe's last samples mean, and what they mean together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::Key;
use super::look::{DISK, Subject, Subjects, subject};
use super::tell::{hand_over, is_held, owed};
use crate::engine::{Engine, Watched};
use crate::event::EventBody;
use crate::health::incident::{Course, Rollout, Step};
use crate::health::verdict::{Jump, Rules, Verdict, together};
use crate::health::{Sample, notice};
use crate::model::{Diagnosis, Gap, HealthState, Incident, RunId, Series, Unit};
use crate::rollout::diagnose_serving;
use crate::store::health::{Measured, Owed};
use crate::store::{HealthStore, StoreError, format_time, now};
use crate::target::{Place, Target};

/// How long before an incident a change may be its cause, milliseconds.
const SHORTLY: i64 = 60 * 60 * 1000;
/// Time that people wait for a cause: they are told without one then.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time that the search for one may take.
const EXAMINE: Duration = Duration::from_mins(1);
/// Time without a failure after which all can be written again.
const CALM: Duration = Duration::from_secs(5);

/// What is seen of environments.
pub(super) enum Seen {
    /// A measurement.
    Sample(Key, Sample),
    /// Nothing serves there.
    Empty(Place),
    /// The cause of an incident that took longer to be found than people wait for it.
    Cause { place: Place, incident: String, diagnosis: Box<Diagnosis> },
}

/// What is thought of every environment.
pub(super) struct Judge {
    engine: Engine,
    store: HealthStore,
    subjects: Subjects,
    tell: mpsc::Sender<Watched>,
    /// The way by which this is told what is seen; weak, so that it ends with whoever looks.
    seen: mpsc::WeakSender<Seen>,
    verdicts: BTreeMap<Key, (Verdict, String)>,
    places: BTreeMap<Place, Known>,
    /// Incidents that could not be written yet, by their ids.
    unwritten: BTreeMap<String, Incident>,
    /// What the process before had not told when it ended.
    owed: Vec<Owed>,
    failing: Option<Failing>,
}

/// The incident of one environment, in memory as well: a full disk must not forget it.
struct Known {
    course: Course,
    open: Option<Incident>,
    /// What is to be told of it once quiet hours are over.
    held: Vec<Owed>,
}

/// A time in which not all could be written.
struct Failing {
    /// The first measurement that was not, milliseconds since 1970.
    since: i64,
    /// The last one.
    last: i64,
    /// What was told of it.
    message: String,
    quiet_since: Instant,
}

impl Judge {
    pub fn new(
        engine: Engine,
        store: HealthStore,
        subjects: Subjects,
        tell: mpsc::Sender<Watched>,
        seen: mpsc::WeakSender<Seen>,
    ) -> Self {
        let mut owed = store.owed().unwrap_or_default();
        owed.retain(|one| notice::is_of_incident(&one.notice));
        Self {
            engine,
            store,
            subjects,
            tell,
            seen,
            verdicts: BTreeMap::new(),
            places: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            owed,
            failing: None,
        }
    }

    /// Judges until nobody looks any more.
    pub async fn run(mut self, mut seen: mpsc::Receiver<Seen>) {
        while let Some(seen) = seen.recv().await {
            let (at, written) = match seen {
                Seen::Sample(key, sample) => (sample.at, self.take(&key, sample).await),
                Seen::Empty(place) => (Timestamp::now().as_millisecond(), self.part_with(&place).await),
                Seen::Cause { place, incident, diagnosis } => {
                    (Timestamp::now().as_millisecond(), self.learn(&place, &incident, *diagnosis).await)
                }
            };
            self.note(at, written).await;
        }
    }

    /// Tells once that something could not be written, and once that all is again: a full disk must not end watching, nor flood its log.
    async fn note(&mut self, at: i64, written: Result<(), StoreError>) {
        let told = match (written, &mut self.failing) {
            (Ok(()), None) => return,
            (Ok(()), Some(failing)) if failing.quiet_since.elapsed() < CALM => return,
            (Ok(()), Some(failing)) => {
                let gap = Gap { from: failing.since, to: failing.last, reason: "what was measured could not be kept".to_owned() };
                let places: Vec<Place> = self.places.keys().cloned().collect();
                if places.iter().any(|place| self.store.note_gap(place, &gap).is_err()) {
                    return;
                }
                Watched::Freed { message: self.failing.take().map(|failing| failing.message).unwrap_or_default() }
            }
            (Err(error), Some(failing)) => {
                (failing.last, failing.quiet_since) = (at, Instant::now());
                tracing::debug!(%error, "a measurement was not kept");
                return;
            }
            (Err(error), None) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                let message = format!("what is measured is not kept, people are told all the same: {error}{hint}");
                self.failing = Some(Failing { since: at, last: at, message: message.clone(), quiet_since: Instant::now() });
                Watched::Hindered { message }
            }
        };
        let _ = self.tell.send(told).await;
    }

    async fn take(&mut self, key: &Key, mut sample: Sample) -> Result<(), StoreError> {
        let (place, name) = key;
        let Some(subject) = subject(&self.subjects, place) else {
            self.verdicts.retain(|(other, _), _| other != place);
            return Ok(());
        };
        let Some(rules) = subject.rules.get(name) else { return Ok(()) };
        sample.finding = subject.mask.text(&sample.finding).into_owned();
        self.know(place, *rules, sample.at, &subject).await?;
        let kept = if name == DISK { Ok(()) } else { self.store.append(&[measured(key, &sample)]) };
        let begun = || (Verdict::new(*rules), String::new());
        let (verdict, finding) = self.verdicts.entry(key.clone()).or_insert_with(begun);
        if !verdict.is_by(*rules) {
            *verdict = Verdict::new(*rules);
        }
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
        // The disk is looked at less often and where the engine answers: that it was not says nothing about the probes.
        let noted = self.note_jump(place, judged.jump.filter(|_| name != DISK));
        kept.and(moved).and(noted)
    }

    /// Goes on where the process before ended: with its incident, what it had not told, and with the time in which nobody watched.
    async fn know(&mut self, place: &Place, rules: Rules, now: i64, subject: &Subject) -> Result<(), StoreError> {
        if self.places.contains_key(place) {
            return Ok(());
        }
        let open = self.store.open_incident(place)?;
        let course = Course::with(open.as_ref().map(|incident| incident.worst));
        let is_here = |one: &Owed| one.notice.project == place.project && one.notice.environment == place.environment;
        let (held, elsewhere) = std::mem::take(&mut self.owed).into_iter().partition(is_here);
        self.owed = elsewhere;
        self.places.insert(place.clone(), Known { course, open, held });
        self.tell_held(place, subject).await;
        // Where nothing was, nothing was missed.
        let last = self.store.state(place)?.filter(|(state, _)| *state != HealthState::Empty).map(|(_, at)| at);
        self.note_jump(place, last.and_then(|last| rules.jump(last, now)))
    }

    fn note_jump(&self, place: &Place, jump: Option<Jump>) -> Result<(), StoreError> {
        let reason = "this machine slept, or nobody watched".to_owned();
        match jump {
            Some(Jump::Ahead(from, to)) => self.store.note_gap(place, &Gap { from, to, reason }),
            Some(Jump::Back(now)) => self.store.end_gaps(place, now),
            None => Ok(()),
        }
    }

    async fn go_on(&mut self, key: &Key, sample: &Sample, subject: &Subject) -> Result<(), StoreError> {
        let place = &key.0;
        let verdict = |name: &String| self.verdicts.get(&(place.clone(), name.clone()));
        // What is not measured yet is unknown; the disk is not always told, and then it is no matter.
        let state = |name: &String| match verdict(name) {
            Some((verdict, _)) => Some(verdict.state()),
            None => (name != DISK).then_some(HealthState::Unknown),
        };
        let state = together(subject.rules.keys().filter_map(state));
        let kept = self.store.keep_state(place, state, sample.at);
        let Some(known) = self.places.get(place) else { return kept };
        let (mut course, open) = (known.course, known.open.clone());
        // The lock is asked for only where it decides.
        let rollout = match course.would_fall(state) && is_held_by_a_rollout(subject, place).await {
            true => Rollout::InProgress,
            false => Rollout::None,
        };
        let step = course.take(state, rollout);
        let incident = match (step, open) {
            (Some(Step::Open(worst)), _) => Some(self.begin(place, worst, subject).await),
            (Some(Step::Worse(worst)), Some(incident)) => {
                let diagnosis = self.diagnosis(place, &incident.id, subject).await.or(incident.diagnosis);
                Some(Incident { worst, diagnosis, ..incident })
            }
            (Some(Step::Close), Some(incident)) => Some(Incident { closed_at: Some(now()), ..incident }),
            (Some(Step::Worse(_) | Step::Close), None) | (None, _) => None,
        };
        let Some(incident) = incident else {
            if let Some(known) = self.places.get_mut(place) {
                known.course = course;
            }
            self.tell_held(place, subject).await;
            return kept.and(self.write());
        };
        let over = incident.closed_at.is_some();
        let notice = notice::of_incident(&incident, subject.url.clone(), now());
        let held = self.places.get_mut(place).map(|known| std::mem::take(&mut known.held)).unwrap_or_default();
        // The end of what nobody was told of is told to nobody.
        let owed = if over && !held.is_empty() { Vec::new() } else { owed(&notice, subject.level, &subject.notify) };
        let open = Some(incident.clone()).filter(|_| !over);
        let written = self.keep(incident, &owed).await;
        // What is told now says more than what waited.
        let settled = held.iter().try_for_each(|one| self.store.settle(&one.id));
        self.places.insert(place.clone(), Known { course, open, held: owed });
        self.tell_held(place, subject).await;
        kept.and(written).and(settled)
    }

    /// Hands over what waited for the end of quiet hours, once they are over.
    async fn tell_held(&mut self, place: &Place, subject: &Subject) {
        let Some(known) = self.places.get_mut(place) else { return };
        let held = std::mem::take(&mut known.held);
        let (held, due) = held.into_iter().partition(|one| is_held(&one.notice, &subject.notify));
        known.held = held;
        hand_over(due, &subject.notify, &self.store, &self.tell).await;
    }

    /// What was taken away is no longer ill. Whoever took it away knows.
    async fn part_with(&mut self, place: &Place) -> Result<(), StoreError> {
        self.verdicts.retain(|(other, _), _| other != place);
        let open = match self.places.remove(place) {
            Some(known) => known.open,
            None => self.store.open_incident(place)?,
        };
        if self.store.state(place)?.is_some_and(|(state, _)| state != HealthState::Empty) {
            self.store.keep_state(place, HealthState::Empty, Timestamp::now().as_millisecond())?;
        }
        let Some(incident) = open else { return Ok(()) };
        self.keep(Incident { closed_at: Some(now()), ..incident }, &[]).await
    }

    /// Keeps how an incident goes on, with what is to be told of it, and says so.
    async fn keep(&mut self, incident: Incident, owed: &[Owed]) -> Result<(), StoreError> {
        self.unwritten.insert(incident.id.clone(), incident.clone());
        let written = self.write_with(Some((&incident.id, owed)));
        let _ = self.tell.send(Watched::Incident(Box::new(incident))).await;
        written
    }

    /// Writes the incidents that wait for it.
    fn write(&mut self) -> Result<(), StoreError> {
        self.write_with(None)
    }

    /// The same, with what is to be told of one of them: what cannot be written now is told all the same, once.
    fn write_with(&mut self, told: Option<(&str, &[Owed])>) -> Result<(), StoreError> {
        while let Some((id, incident)) = self.unwritten.first_key_value() {
            let (id, run) = (id.clone(), RunId::new(format!("incident-{id}")));
            let owed = told.filter(|(whose, _)| *whose == id).map(|(_, owed)| owed).unwrap_or_default();
            self.store.keep_incident(incident, owed)?;
            let event = EventBody::IncidentChanged { incident: Box::new(incident.clone()) };
            self.engine.store.append(&incident.project, &run, event)?;
            self.unwritten.remove(&id);
        }
        Ok(())
    }

    async fn begin(&self, place: &Place, worst: HealthState, subject: &Subject) -> Incident {
        let at = Timestamp::now();
        let failing = self.verdicts.iter().filter(|((other, _), _)| other == place);
        let first = failing.max_by_key(|(_, (verdict, _))| (verdict.state() == worst, verdict.state() == HealthState::Down));
        let (probe, finding) = first.map(|((_, name), (_, finding))| (name.clone(), finding.clone())).unwrap_or_default();
        let from = at.as_millisecond() - SHORTLY;
        let markers = self.store.markers(place, from, at.as_millisecond()).unwrap_or_default();
        let id = uuid::Uuid::now_v7().simple().to_string();
        let changes = markers.iter().rev().map(|marker| {
            let minutes = (at.as_millisecond() - marker.at) / 60_000;
            format!("{}, {minutes} min before", marker.text)
        });
        Incident {
            project: place.project.clone(),
            environment: place.environment.clone(),
            worst,
            opened_at: format_time(at),
            closed_at: None,
            probe,
            finding,
            release: Some(subject.record.release.id.clone()),
            diagnosis: self.diagnosis(place, &id, subject).await,
            changes: changes.collect(),
            id,
        }
    }

    /// Examines what serves as a rollout examines its new instances; what cannot be found out is left out. What takes longer than people wait
    /// for it comes to the incident later.
    async fn diagnosis(&self, place: &Place, incident: &str, subject: &Subject) -> Option<Diagnosis> {
        let (target, at) = (Arc::clone(&subject.target), place.clone());
        let mut examining = tokio::spawn(async move { tokio::time::timeout(EXAMINE, examine(target.as_ref(), &at)).await.ok()? });
        if let Ok(found) = tokio::time::timeout(PATIENCE, &mut examining).await {
            return found.ok()?;
        }
        let (seen, place, incident) = (self.seen.clone(), place.clone(), incident.to_owned());
        tokio::spawn(async move {
            let Ok(Some(diagnosis)) = examining.await else { return };
            if let Some(seen) = seen.upgrade() {
                let _ = seen.send(Seen::Cause { place, incident, diagnosis: Box::new(diagnosis) }).await;
            }
        });
        None
    }

    /// Adds a cause to an incident that has none and still goes on. Nobody is told anew.
    async fn learn(&mut self, place: &Place, incident: &str, diagnosis: Diagnosis) -> Result<(), StoreError> {
        let open = self.places.get_mut(place).and_then(|known| known.open.as_mut());
        let Some(open) = open.filter(|open| open.id == incident && open.diagnosis.is_none()) else { return Ok(()) };
        open.diagnosis = Some(diagnosis);
        let incident = open.clone();
        self.keep(incident, &[]).await
    }
}

/// An engine that does not say so in time has no rollout in progress: an outage must not wait for it.
async fn is_held_by_a_rollout(subject: &Subject, place: &Place) -> bool {
    let held = tokio::time::timeout(PATIENCE, subject.target.held(place)).await;
    held.is_ok_and(|held| held.is_ok_and(|held| held.is_some()))
}

async fn examine(target: &dyn Target, place: &Place) -> Option<Diagnosis> {
    let observed = target.observe(place).await.ok()?;
    let record = &observed.serving.as_ref()?.record;
    diagnose_serving(target, place, record, &observed.instances).await.ok().flatten()
}

fn measured(key: &Key, sample: &Sample) -> Measured {
    let series = Series { name: format!("probe:{}", key.1), unit: Unit::Microseconds };
    Measured { place: key.0.clone(), series, at: sample.at, outcome: sample.outcome, value: sample.took }
}
