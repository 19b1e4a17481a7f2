//! Random sequences of what people and misfortune do to one environment, on the scripted target, against a small model: after success
//! exactly one whole release serves; after a fault one of few; and whoever comes next makes it whole.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use nonevent_engine::model::{Batch, InstanceState, Release, ReleaseId, RolloutReason, Strategy};
use nonevent_engine::request::{Bake, Consent};
use nonevent_engine::rollout::{Desired, Finished, Order, RolloutError};
use nonevent_engine::target::{Life, Target};
use nonevent_testkit::laptop::{Laptop, is_whole, order, single};
use nonevent_testkit::scripted::{Fault, Manner, Method, Script, ScriptedEngine, ScriptedTarget};
use nonevent_testkit::shop::{place, release_with_worker};
use proptest::prelude::{Just, ProptestConfig, any, prop, prop_assert, prop_oneof, proptest};
use proptest::strategy::Strategy as Generates;
use proptest::test_runner::RngSeed;

const DOMAIN: &str = "shop.localhost";
/// What `make test` begins with, so that it tries the same each time; `PROPTEST_CASES` tries others.
const SEED: u64 = 0x6e6f_6e65_7665_6e74;

/// What a new release is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Like {
    Healthy,
    Slow,
    Sick,
    Crashing,
    /// Its probes pass, and most of its requests fail.
    Rude,
    /// Its `before_start` fails.
    FailsBefore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    BlueGreen,
    Rolling(u16),
    Canary,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Ship {
        like: Like,
        way: Way,
        before_start: bool,
        detached: bool,
    },
    Rollback {
        nth: usize,
    },
    Scale {
        web: u16,
    },
    Configure {
        variable: u8,
    },
    Restart {
        way: Way,
    },
    Recover,
    /// An instance dies, and nobody starts it again.
    InstanceDies {
        nth: usize,
    },
    OtherLaptop,
    TimePasses {
        seconds: u64,
    },
}

/// A deed, and what befalls the process that does it, at which of its calls.
#[derive(Clone, Copy)]
struct Step {
    deed: Deed,
    struck: Option<(usize, Fault)>,
}

/// One line each, so that a sequence that fails can be read.
impl fmt::Debug for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deed, struck } = self;
        match struck {
            None => out.write_str(&format!("{deed:?}")),
            Some((nth, fault)) => out.write_str(&format!("{deed:?}, {fault:?} at call {nth}")),
        }
    }
}

fn way() -> impl Generates<Value = Way> {
    prop_oneof![Just(Way::BlueGreen), (1_u16..3).prop_map(Way::Rolling), Just(Way::Canary)]
}

fn step() -> impl Generates<Value = Step> {
    let like = prop_oneof![
        5 => Just(Like::Healthy),
        1 => Just(Like::Slow),
        1 => Just(Like::Sick),
        1 => Just(Like::Crashing),
        1 => Just(Like::Rude),
        1 => Just(Like::FailsBefore),
    ];
    let ship = (like, way(), any::<bool>(), prop::bool::weighted(0.3));
    let deed = prop_oneof![
        6 => ship.prop_map(|(like, way, before_start, detached)| Deed::Ship { like, way, before_start, detached }),
        3 => (0_usize..4).prop_map(|nth| Deed::Rollback { nth }),
        2 => (1_u16..4).prop_map(|web| Deed::Scale { web }),
        1 => (0_u8..3).prop_map(|variable| Deed::Configure { variable }),
        2 => way().prop_map(|way| Deed::Restart { way }),
        2 => Just(Deed::Recover),
        2 => (0_usize..8).prop_map(|nth| Deed::InstanceDies { nth }),
        1 => Just(Deed::OtherLaptop),
        4 => prop_oneof![1 => Just(10_u64), 4 => Just(31)].prop_map(|seconds| Deed::TimePasses { seconds }),
    ];
    let faults = [Fault::Fail, Fault::FailAfter, Fault::DieBefore, Fault::DieHalfway, Fault::DieAfter];
    let struck = prop::option::weighted(0.4, (1_usize..32, prop::sample::select(faults.to_vec())));
    (deed, struck).prop_map(|(deed, struck)| Step { deed, struck })
}

/// What an environment can be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Whole {
    release: ReleaseId,
    web: u16,
    variable: String,
}

/// What is expected of a rollout that nothing befalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Succeeds,
    NeverServes,
    MayGoBack,
}

/// How it was before a deed.
struct Before {
    answered: Option<ReleaseId>,
    allowed: BTreeSet<Option<Whole>>,
}

/// The environment, those who act on it, and what is known about it.
struct World {
    engine: ScriptedEngine,
    laptops: [Laptop; 2],
    at: usize,
    exclusive: bool,
    releases: BTreeMap<ReleaseId, (Release, Like)>,
    web: u16,
    variable: u8,
    /// What may serve: exactly one when nothing befell anybody since.
    allowed: BTreeSet<Option<Whole>>,
    /// Whether nothing was left in the middle.
    settled: bool,
    /// Whether the old instances are still warm.
    bakes: bool,
    /// Whether an instance has died that nobody has replaced.
    wounded: bool,
    /// What must be known as an earlier release, or serve.
    known: BTreeSet<ReleaseId>,
}

type Checked = Result<(), String>;

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl World {
    fn new(exclusive: bool) -> Self {
        let engine = ScriptedEngine::new();
        engine.load(50);
        Self {
            engine,
            laptops: [Laptop::new(), Laptop::new()],
            at: 0,
            exclusive,
            releases: BTreeMap::new(),
            web: if exclusive { 1 } else { 2 },
            variable: 0,
            allowed: BTreeSet::from([None]),
            settled: true,
            bakes: false,
            wounded: false,
            known: BTreeSet::new(),
        }
    }

    async fn live_through(&mut self, steps: &[Step]) -> Checked {
        for (number, step) in steps.iter().enumerate() {
            let before = Before { answered: self.engine.answers(DOMAIN), allowed: self.allowed.clone() };
            self.engine.witnessed(DOMAIN);
            let checked = match self.take(step).await {
                Ok(()) => self.check(step.deed, &before).await,
                wrong => wrong,
            };
            checked.map_err(|wrong| format!("step {number}, {step:?}: {wrong}"))?;
        }
        self.end().await.map_err(|wrong| format!("after all steps: {wrong}"))
    }

    async fn take(&mut self, step: &Step) -> Checked {
        match step.deed {
            Deed::Ship { like, way, before_start, detached } => {
                let release = self.make(like, before_start);
                let wait = if detached { Bake::Detach } else { Bake::Wait };
                let order = Order { wait, ..self.order(&release, RolloutReason::Ship, way) };
                self.roll_out(order, step.struck).await
            }
            Deed::Rollback { nth } => {
                let earlier = self.engine.process().earlier(&place()).await.unwrap();
                let Some(record) = (!earlier.is_empty()).then(|| &earlier[nth % earlier.len()]) else { return Ok(()) };
                let order = self.order(&record.release, RolloutReason::Rollback, Way::BlueGreen);
                self.roll_out(order, step.struck).await
            }
            Deed::Scale { web } => {
                self.web = if self.exclusive { 1 } else { web };
                self.ship_what_serves(RolloutReason::Ship, Way::BlueGreen, step.struck).await
            }
            Deed::Configure { variable } => {
                self.variable = variable;
                self.ship_what_serves(RolloutReason::Ship, Way::BlueGreen, step.struck).await
            }
            Deed::Restart { way } => self.ship_what_serves(RolloutReason::Restart, way, step.struck).await,
            Deed::Recover => self.recover(step.struck).await,
            Deed::InstanceDies { nth } => {
                let mut instances = self.engine.process().observe(&place()).await.unwrap().instances;
                instances.retain(|instance| instance.state == InstanceState::Running);
                if !instances.is_empty() {
                    self.engine.end(&instances[nth % instances.len()].id);
                    self.wounded = true;
                }
                Ok(())
            }
            Deed::OtherLaptop => {
                self.at = 1 - self.at;
                Ok(())
            }
            Deed::TimePasses { seconds } => {
                self.engine.advance(Duration::from_secs(seconds));
                Ok(())
            }
        }
    }

    fn make(&mut self, like: Like, before_start: bool) -> Release {
        let id = format!("r{}", self.releases.len() + 1);
        let mut release = if self.exclusive { single(&id) } else { release_with_worker(&id) };
        if before_start || like == Like::FailsBefore {
            release.settings.before_start = Some(Script::Healthy.command());
        }
        match like {
            Like::Healthy => {}
            Like::Slow => self.engine.behave(&release.id, Script::Slow(3)),
            Like::Sick => self.engine.behave(&release.id, Script::Sick),
            Like::Crashing => self.engine.behave(&release.id, Script::Crash),
            Like::Rude => self.engine.answer_so(&release.id, Manner { errors: 90, milliseconds: 10 }),
            Like::FailsBefore => self.engine.end_once(&release.id, 7, &["no such table"]),
        }
        self.releases.insert(release.id.clone(), (release.clone(), like));
        release
    }

    fn order(&self, release: &Release, reason: RolloutReason, way: Way) -> Order {
        let mut placement = nonevent_testkit::shop::placement(self.web);
        placement.env.insert("VARIABLE".into(), self.variable.to_string());
        let strategy = match way {
            Way::BlueGreen => Strategy::BlueGreen,
            Way::Rolling(batch) => Strategy::Rolling { batch: Batch::Instances(batch) },
            Way::Canary => Strategy::Canary { steps: vec![10, 50] },
        };
        Order {
            desired: Desired { release: release.clone(), placement, reason },
            strategy,
            bake: Duration::from_secs(2),
            pause: Duration::from_secs(1),
            consent: Consent::Given,
            ..order(release, self.web)
        }
    }

    async fn ship_what_serves(&mut self, reason: RolloutReason, way: Way, struck: Option<(usize, Fault)>) -> Checked {
        let Some(serving) = self.engine.serving(&place()) else { return Ok(()) };
        let release = self.releases[&serving].0.clone();
        self.roll_out(self.order(&release, reason, way), struck).await
    }

    fn fate(&self, order: &Order) -> Fate {
        match self.releases[&order.desired.release.id].1 {
            Like::Healthy | Like::Slow => Fate::Succeeds,
            Like::Rude => Fate::MayGoBack,
            Like::Sick | Like::Crashing | Like::FailsBefore => Fate::NeverServes,
        }
    }

    /// Whether a living process holds the lock.
    async fn is_held(&self) -> bool {
        let held = self.engine.process().held(&place()).await.unwrap();
        held.is_some_and(|held| held.life == Life::Living)
    }

    fn process(&self, struck: Option<(usize, Fault)>) -> ScriptedTarget {
        let process = self.engine.process();
        if let Some((nth, fault)) = struck {
            process.fault_at(nth, fault);
        }
        process
    }

    async fn roll_out(&mut self, order: Order, fault: Option<(usize, Fault)>) -> Checked {
        let (held, fate, process) = (self.is_held().await, self.fate(&order), self.process(fault));
        let served = self.engine.serving(&place());
        let laptop = self.laptops[self.at].clone();
        let result = tokio::select! {
            biased;
            () = process.died() => None,
            result = laptop.ship(&process, &order) => Some(result),
        };
        if held {
            return refused(result.map(|result| result.map(|_| ())), fault);
        }
        if order.desired.reason == RolloutReason::Rollback && !process.calls().contains(&Method::Start) {
            // Whoever goes back to what is still warm leaves what was not good: that is forgotten.
            self.known.retain(|release| Some(release) != served.as_ref());
        }
        if fate == Fate::MayGoBack {
            // So is what traffic goes back from by itself, even where it served once.
            self.known.remove(&order.desired.release.id);
        }
        let want = Whole { release: order.desired.release.id.clone(), web: self.web, variable: self.variable.to_string() };
        let struck = fault.is_some_and(|(nth, _)| process.counted_calls().len() >= nth);
        match (result, fate) {
            (Some(Ok(_)), Fate::NeverServes) => return Err("a release that is not fit to serve was shipped".into()),
            (Some(Ok(finished)), _) => {
                self.allowed = BTreeSet::from([Some(want)]);
                (self.settled, self.wounded, self.bakes) = (true, false, finished == Some(Finished::Baking));
                let open = laptop.open();
                expect(open == usize::from(self.bakes), || format!("the journal has {open} open rollouts"))?;
            }
            (Some(Err(error)), _) if !struck => {
                let expected = match fate {
                    Fate::Succeeds => false,
                    Fate::MayGoBack => matches!(error, RolloutError::WentBack { .. }),
                    Fate::NeverServes => {
                        matches!(error, RolloutError::NeverHealthy { .. } | RolloutError::BeforeStartFailed { .. })
                    }
                };
                expect(expected, || format!("it failed: {error}"))?;
                // Whatever was left in the middle before was ended first.
                (self.settled, self.bakes) = (true, false);
                let open = laptop.open();
                expect(open == 0, || format!("the journal has {open} open rollouts"))?;
            }
            (Some(Err(_)) | None, _) => {
                if fate != Fate::NeverServes {
                    self.allowed.insert(Some(want));
                }
                (self.settled, self.bakes) = (false, false);
            }
        }
        Ok(())
    }

    async fn recover(&mut self, fault: Option<(usize, Fault)>) -> Checked {
        let (held, process) = (self.is_held().await, self.process(fault));
        let laptop = self.laptops[self.at].clone();
        let result = tokio::select! {
            biased;
            () = process.died() => None,
            result = laptop.try_recover(&process) => Some(result),
        };
        if held {
            return refused(result.map(|result| result.map(|_| ())), fault);
        }
        let struck = fault.is_some_and(|(nth, _)| process.counted_calls().len() >= nth);
        match result {
            Some(Ok(_)) => {
                (self.settled, self.bakes) = (true, false);
                let open = laptop.open();
                expect(open == 0, || format!("the journal has {open} open rollouts"))
            }
            Some(Err(error)) if !struck => Err(format!("it failed: {error}")),
            Some(Err(_)) | None => {
                (self.settled, self.bakes) = (false, false);
                Ok(())
            }
        }
    }

    async fn seen(&self) -> Option<Whole> {
        let record = self.engine.process().observe(&place()).await.unwrap().serving?.record;
        Some(Whole {
            release: record.release.id,
            web: record.placement.replicas.values().copied().next().unwrap(),
            variable: record.placement.env["VARIABLE"].clone(),
        })
    }

    async fn check(&mut self, deed: Deed, before: &Before) -> Checked {
        let seen = self.seen().await;
        expect(self.allowed.contains(&seen), || format!("{seen:?} serves; what may: {:?}", self.allowed))?;
        for witnessed in self.engine.witnessed(DOMAIN) {
            let allowed = self.allowed.union(&before.allowed).flatten().map(|whole| &whole.release);
            let holds = match &witnessed {
                Some(release) => allowed.into_iter().any(|other| other == release) || self.is_rude(release),
                // An exclusive volume has a gap by its nature; elsewhere only misfortune makes one.
                None => before.answered.is_none() || self.exclusive || matches!(deed, Deed::InstanceDies { .. }),
            };
            expect(holds, || format!("meanwhile {witnessed:?} answered"))?;
        }
        if self.settled {
            self.allowed = BTreeSet::from([seen.clone()]);
            if !self.wounded {
                self.check_whole(seen.as_ref()).await?;
            }
        }
        let earlier: Vec<ReleaseId> =
            self.engine.process().earlier(&place()).await.unwrap().into_iter().map(|record| record.release.id).collect();
        let serving = seen.map(|whole| whole.release);
        let lost = self.known.iter().find(|release| !earlier.contains(release) && Some(*release) != serving.as_ref());
        expect(lost.is_none(), || format!("{lost:?} served once, and is not among the earlier ones: {earlier:?}"))?;
        self.known.extend(serving);
        Ok(())
    }

    /// A release that gets worse answers until traffic goes back.
    fn is_rude(&self, release: &ReleaseId) -> bool {
        self.releases[release].1 == Like::Rude
    }

    async fn check_whole(&self, seen: Option<&Whole>) -> Checked {
        let Some(whole) = seen else {
            let left = self.engine.process().observe(&place()).await.unwrap();
            return expect(left.instances.is_empty() && left.lock.is_none(), || {
                format!("nothing serves, and this is left: {left:#?}")
            });
        };
        let (release, _) = &self.releases[&whole.release];
        match self.bakes {
            false => is_whole(&self.engine, release, usize::from(whole.web)).await,
            true => {
                let answers = self.engine.answers(DOMAIN);
                expect(answers.as_ref() == Some(&whole.release), || format!("{answers:?} answers while {whole:?} bakes"))
            }
        }
    }

    /// Whoever comes next, when all who held the lock are gone, makes it whole.
    async fn end(&mut self) -> Checked {
        let before = Before { answered: None, allowed: self.allowed.clone() };
        self.engine.witnessed(DOMAIN);
        self.engine.advance(Duration::from_secs(31));
        for at in [1 - self.at, self.at] {
            self.at = at;
            self.recover(None).await?;
        }
        self.check(Deed::Recover, &before).await.map_err(|wrong| format!("recovered: {wrong}"))?;
        let was_whole = !self.wounded;
        let Some(serving) = self.seen().await else { return Ok(()) };
        (self.web, self.variable) = (serving.web, serving.variable.parse().unwrap());
        let calls = self.engine.process();
        let order = self.order(&self.releases[&serving.release].0, RolloutReason::Ship, Way::BlueGreen);
        let done = self.laptops[self.at].ship(&calls, &order).await.map_err(|error| format!("the next ship failed: {error}"))?;
        expect(!was_whole || done.is_none(), || format!("it was whole, and the next ship did this: {:?}", calls.calls()))?;
        self.wounded = false;
        self.check_whole(Some(&serving)).await
    }
}

/// Whoever does not get the lock does nothing.
fn refused(result: Option<Result<(), RolloutError>>, fault: Option<(usize, Fault)>) -> Checked {
    match result {
        Some(Ok(())) => Err("another process holds the lock, and it went on".into()),
        Some(Err(error)) => {
            expect(fault.is_some() || error.to_string().contains("is held by"), || format!("it failed otherwise: {error}"))
        }
        None => Ok(()),
    }
}

#[test]
fn whatever_happens_one_whole_release_serves_and_the_next_start_makes_it_so() {
    let seed = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => RngSeed::Random,
        None => RngSeed::Fixed(SEED),
    };
    let config =
        ProptestConfig { rng_seed: seed, failure_persistence: None, max_shrink_iters: 4096, ..ProptestConfig::default() };
    let sequences = (prop::bool::weighted(0.2), prop::collection::vec(step(), 1..14));
    proptest!(config, |((exclusive, steps) in sequences)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let lived = runtime.block_on(async { World::new(exclusive).live_through(&steps).await });
        prop_assert!(lived.is_ok(), "{}", lived.unwrap_err());
    });
}
