//! When each probe is due: one task for all of them.
//!
//! The first look is soon, the ones after it are spread over the interval. Probes are moved by a little each time, never overlap with themselves (a probe that takes longer than
//! its interval skips a turn), and are bounded in number together. Cancelling ends those that go on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Probes that go on at once.
const AT_ONCE: usize = 256;
/// Time within which probes that are new are made first.
const SOON: Duration = Duration::from_secs(2);
/// Time that each of very many takes of it.
const EACH: Duration = Duration::from_millis(1);

/// When a probe is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Time between two turns.
    pub interval: Duration,
    /// Most by which a turn is moved.
    pub jitter: Duration,
}

/// The probes that are to be made, each known by its key.
pub type Wanted<K> = BTreeMap<K, Pace>;

/// A probe that goes on or waits.
struct Turn {
    pace: Pace,
    /// The time of the turn without its jitter.
    slot: Instant,
    count: u64,
    running: bool,
}

/// Makes probes at their times until `stop` is cancelled; `wanted` replaces what is to be made, and what stays keeps its pace. `probe` is
/// given the key, and when it was due.
///
/// A probe that panics counts as made.
pub async fn run<K, F>(mut wanted: mpsc::Receiver<Wanted<K>>, probe: impl Fn(K, Instant) -> F, stop: CancellationToken)
where
    K: Ord + Clone + Hash + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut turns: BTreeMap<K, Turn> = BTreeMap::new();
    let mut due: BinaryHeap<Reverse<(Instant, K)>> = BinaryHeap::new();
    let mut running: JoinSet<()> = JoinSet::new();
    let mut keys = std::collections::HashMap::new();
    loop {
        let next = due.peek().map(|Reverse((at, _))| *at).filter(|_| running.len() < AT_ONCE);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = running.join_next_with_id() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(error) => {
                        tracing::error!(%error, "a probe ended before its time");
                        error.id()
                    }
                };
                if let Some(turn) = keys.remove(&id).and_then(|key: K| turns.get_mut(&key)) {
                    turn.running = false;
                }
            }
            changed = wanted.recv() => {
                let Some(changed) = changed else { break };
                change(&mut turns, &mut due, changed);
            }
            () = until(next) => {
                let Some(Reverse((at, key))) = due.pop() else { continue };
                // What is no longer wanted is still in the heap, once.
                let Some(turn) = turns.get_mut(&key) else { continue };
                if !turn.running {
                    turn.running = true;
                    keys.insert(running.spawn(probe(key.clone(), at)).id(), key.clone());
                }
                due.push(Reverse((turn.advance(&key), key)));
            }
        }
    }
    running.shutdown().await;
}

fn change<K: Ord + Clone + Hash>(turns: &mut BTreeMap<K, Turn>, due: &mut BinaryHeap<Reverse<(Instant, K)>>, wanted: Wanted<K>) {
    turns.retain(|key, turn| wanted.get(key) == Some(&turn.pace));
    due.retain(|Reverse((_, key))| turns.contains_key(key));
    let now = Instant::now();
    let fresh: Vec<(K, Pace)> = wanted.into_iter().filter(|(key, _)| !turns.contains_key(key)).collect();
    let soon = SOON.max(EACH.saturating_mul(u32::try_from(fresh.len()).unwrap_or(u32::MAX)));
    for (key, pace) in fresh {
        let slot = now + share(&key, 0, pace.interval.min(soon));
        turns.insert(key.clone(), Turn { pace, slot, count: 0, running: false });
        due.push(Reverse((slot, key)));
    }
}

impl Turn {
    /// Goes to the next slot that is not over, and returns when it is due.
    fn advance<K: Hash>(&mut self, key: &K) -> Instant {
        let interval = self.pace.interval.max(Duration::from_millis(1));
        let now = Instant::now();
        self.count += 1;
        self.slot += match self.count {
            // Where in its interval a probe lies is decided by its key, the same after each start.
            1 => interval / 2 + share(key, 0, interval),
            _ => interval,
        };
        if self.slot <= now {
            // Turns that were missed, because the machine was busy or slept, are not made up for.
            let missed = now.duration_since(self.slot).as_nanos() / interval.as_nanos() + 1;
            self.slot += interval.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX));
        }
        self.slot + share(key, self.count, self.pace.jitter.min(interval / 2))
    }
}

/// A share of a time that looks like chance and is the same for the same key and number.
fn share<K: Hash>(key: &K, count: u64, of: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    (key, count).hash(&mut hasher);
    let nanoseconds = (of.as_nanos() * u128::from(hasher.finish())) >> 64;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{Arc, Mutex};

    use super::*;

    const PACE: Pace = Pace { interval: Duration::from_secs(10), jitter: Duration::from_secs(1) };

    type Seen = Arc<Mutex<BTreeMap<u32, Vec<Instant>>>>;

    fn all(keys: std::ops::Range<u32>) -> Wanted<u32> {
        keys.map(|key| (key, PACE)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn every_probe_keeps_its_pace_and_they_do_not_come_at_once() {
        let (sender, receiver) = mpsc::channel(1);
        let (seen, stop): (Seen, _) = (Arc::default(), CancellationToken::new());
        sender.send(all(0..500)).await.unwrap();
        let noted = seen.clone();
        let began = Instant::now();
        let probe = move |key, _| {
            let noted = noted.clone();
            async move { noted.lock().unwrap().entry(key).or_default().push(Instant::now()) }
        };
        let task = tokio::spawn(run(receiver, probe, stop.clone()));
        tokio::time::sleep(Duration::from_secs(100)).await;
        stop.cancel();
        task.await.unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 500);
        for times in seen.values() {
            assert!((9..=11).contains(&times.len()), "{}", times.len());
            let first = times[1] - times[0];
            assert!(first >= Duration::from_secs(5) && first <= Duration::from_secs(16), "{first:?}");
            let pauses = times[1..].windows(2).map(|pair| pair[1] - pair[0]);
            assert!(pauses.into_iter().all(|pause| pause >= Duration::from_secs(9) && pause <= Duration::from_secs(11)));
        }
        let mut firsts: Vec<u128> = seen.values().map(|times| (times[0] - began).as_millis() / 100).collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert!(firsts.len() >= 15, "they came at once: {firsts:?}");
        let lies = |times: &Vec<Instant>| (times[5] - began).as_millis() / 1000 % 10;
        let spread: std::collections::BTreeSet<u128> = seen.values().map(lies).collect();
        assert_eq!(spread.len(), 10, "later ones come at once: {spread:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_probe_skips_turns_and_none_overlaps_with_itself() {
        let (sender, receiver) = mpsc::channel(1);
        let (counts, stop) = (Arc::new(Mutex::new((0_u32, 0_u32))), CancellationToken::new());
        sender.send(all(0..1)).await.unwrap();
        let shared = counts.clone();
        let probe = move |_, _| {
            let shared = shared.clone();
            async move {
                {
                    let mut counts = shared.lock().unwrap();
                    counts.0 += 1;
                    counts.1 += 1;
                    assert_eq!(counts.1, 1, "two of one probe went on at once");
                }
                tokio::time::sleep(Duration::from_secs(25)).await;
                shared.lock().unwrap().1 -= 1;
            }
        };
        let task = tokio::spawn(run(receiver, probe, stop.clone()));
        tokio::time::sleep(Duration::from_secs(300)).await;
        stop.cancel();
        task.await.unwrap();
        let begun = counts.lock().unwrap().0;
        assert!((9..=11).contains(&begun), "{begun}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_longer_wanted_ends_and_a_panic_ends_nothing_else() {
        let (sender, receiver) = mpsc::channel(1);
        let (seen, stop): (Seen, _) = (Arc::default(), CancellationToken::new());
        sender.send(all(0..3)).await.unwrap();
        let noted = seen.clone();
        let probe = move |key, _| {
            let noted = noted.clone();
            async move {
                assert!(key != 2, "this probe is broken");
                noted.lock().unwrap().entry(key).or_default().push(Instant::now());
            }
        };
        let task = tokio::spawn(run(receiver, probe, stop.clone()));
        tokio::time::sleep(Duration::from_secs(30)).await;
        sender.send(all(1..2)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before: Vec<usize> = seen.lock().unwrap().values().map(Vec::len).collect();
        tokio::time::sleep(Duration::from_secs(100)).await;
        stop.cancel();
        task.await.unwrap();
        let after: Vec<usize> = seen.lock().unwrap().values().map(Vec::len).collect();
        assert_eq!((before.len(), after[0]), (2, before[0]));
        assert!(after[1] >= before[1] + 9, "{before:?} {after:?}");
    }
}
