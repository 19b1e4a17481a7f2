//! Where requests go: reading and changing the proxy's state, by the scripts of [`crate::target::proxy`].
//!
//! A change is made on a copy of the state, uploaded as a new generation, and committed only if the state is still the one that was
//! read; else it is read again. So environments that change at once do not lose each other's changes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::DockerTarget;
use super::api::{File, FileContent, Printed};
use super::ground::Ground;
use super::network::Shared;
use super::scope::key;
use crate::target::proxy::{
    self, AWAIT, COMMIT, Color, DRAIN, Ending, FOLDER, Generation, MASTER_PORT, ProxyState, REMEMBER, REPAIR, Runtime, SNAPSHOT,
    Section,
};
use crate::target::{Fence, Place, Record, TargetError};

/// The proxy's state as it was read, and what it does.
pub(super) struct Snapshot {
    pub generation: Generation,
    /// Records of the environment that was asked for, by file.
    pub records: BTreeMap<String, Record>,
    /// What the current worker does.
    runtime: Runtime,
}

/// Times that the state is looked for before there is none.
const REREADS: u32 = 5;
/// Time between two of them.
const REREAD_PAUSE: Duration = Duration::from_millis(20);
/// Times that a change is tried when others change the state at the same time.
const TRIES: u32 = 40;

/// Waits a while before a change is tried again: longer each time and never as long as another process does, so that one gets through.
async fn make_way(tries: u32) {
    let most = 20 * u128::from(tries.min(20)) + 1;
    let chance = uuid::Uuid::now_v7().as_u128() % most;
    tokio::time::sleep(Duration::from_millis(u64::try_from(chance).unwrap_or_default())).await;
}

impl DockerTarget {
    /// Reads the state, one environment's records and what the worker does.
    pub(super) async fn snapshot(&self, ground: &Ground, place: &Place) -> Result<Snapshot, TargetError> {
        let key = key(place);
        let variables = vec![("KEY", key.clone()), ("BACKENDS", backends(place))];
        let printed = self.run_script(ground, SNAPSHOT, variables).await?;
        expect_done("read the proxy's state", &printed)?;
        let sections = proxy::sections(&printed.output);
        let text = |name: &str| sections.iter().find(|section| section.name == name).map(|section| section.text.trim());
        let records = sections.iter().filter_map(|section| {
            let file = section.name.strip_prefix("record ")?;
            Some((file.to_owned(), serde_json::from_str(section.text.trim()).ok()?))
        });
        Ok(Snapshot {
            generation: parse(text("state").unwrap_or_default().as_bytes())?,
            records: records.collect(),
            runtime: Runtime::read(&sections).only(&key),
        })
    }

    /// Reads the state from the volume, whether the proxy runs or not.
    pub(super) async fn read_generation(&self, ground: &Ground) -> Result<Option<Generation>, TargetError> {
        // The engine follows the link and then opens the file: when two changes come between the two, the file is gone by then.
        for _ in 0..REREADS {
            if let Some(bytes) = self.api.download(&ground.container, &format!("{FOLDER}/current/state.json")).await? {
                return parse(&bytes).map(Some);
            }
            tokio::time::sleep(REREAD_PAUSE).await;
        }
        Ok(None)
    }

    /// Reads the state from the volume; an empty one where there is none.
    pub(super) async fn read_state(&self, ground: &Ground) -> Result<ProxyState, TargetError> {
        let generation = self.read_generation(ground).await?;
        Ok(generation.map_or_else(|| ProxyState::empty(String::new()), |generation| generation.state))
    }

    /// Reads a record from the volume, whether the proxy runs or not.
    pub(super) async fn read_record(&self, ground: &Ground, file: &str) -> Result<Option<Record>, TargetError> {
        let bytes = self.api.download(&ground.container, &format!("{FOLDER}/records/{file}")).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Changes the state and brings the workers to it. Nothing is written when nothing changes; the workers follow anyway.
    pub(super) async fn change<F>(
        &self,
        fence: Option<&Fence>,
        place: &Place,
        record: Option<&NamedRecord>,
        edit: F,
    ) -> Result<ProxyState, TargetError>
    where
        F: Fn(&mut ProxyState) -> Result<(), TargetError> + Send + Sync,
    {
        let ground = self.ensure_ground().await?;
        let _queued = self.changes.lock().await;
        for tries in 0..TRIES {
            make_way(tries).await;
            let before = self.read_generation(&ground).await?.ok_or_else(|| TargetError::Refused {
                operation: "change the proxy's state".to_owned(),
                reason: "its volume holds none; `nonevent down` and a new ship make it anew".to_owned(),
            })?;
            let mut after = before.state.clone();
            edit(&mut after)?;
            after.template = ProxyState::TEMPLATE;
            if after == before.state {
                let snapshot = self.snapshot(&ground, place).await?;
                self.repair(&ground, place, &snapshot).await?;
                return Ok(after);
            }
            if self.commit(&ground, fence, place, record, &before, &after).await? == Committed::Yes {
                return Ok(after);
            }
        }
        Err(TargetError::Refused {
            operation: "change the proxy's state".to_owned(),
            reason: "other processes changed it all the time".to_owned(),
        })
    }

    async fn commit(
        &self,
        ground: &Ground,
        fence: Option<&Fence>,
        place: &Place,
        record: Option<&NamedRecord>,
        before: &Generation,
        after: &ProxyState,
    ) -> Result<Committed, TargetError> {
        let next = uuid::Uuid::now_v7().simple().to_string();
        let known = before.state.records();
        let certificates = proxy::certificate_files(&before.state);
        self.upload_generation(ground, &next, after, record.filter(|record| !known.contains(record.file.as_str()))).await?;
        let reload = before.state.needs_reload(after);
        let wanted = Runtime::of(after).only(&key(place));
        let now = Runtime::of(&before.state).only(&key(place));
        let commands = if reload { Vec::new() } else { now.commands_to(&wanted) };
        let kept = after.records();
        let kept_certificates = proxy::certificate_files(after);
        let old_records = known.into_iter().filter(|file| !kept.contains(file)).map(|file| format!("records/{file}"));
        let old = old_records.chain(certificates.difference(&kept_certificates).cloned()).collect::<Vec<_>>().join(" ");
        let variables = vec![
            ("EXPECTED", before.name.clone()),
            ("NEXT", next),
            ("KEY", fence.map(|fence| key(&fence.place)).unwrap_or_default()),
            ("NUMBER", fence.map_or(0, |fence| fence.number).to_string()),
            ("TOKEN", fence.map(|fence| fence.token.clone()).unwrap_or_default()),
            ("RELOAD", if reload { "yes" } else { "no" }.to_owned()),
            ("COMMANDS", commands.join("\n")),
            ("BACKENDS", backends(place)),
            ("OLD_FILES", old),
        ];
        let printed = self.run_script(ground, COMMIT, variables).await?;
        let sections = proxy::sections(&printed.output);
        match (Ending::of(printed.exit_code), fence) {
            (Ending::Changed, _) => return Ok(Committed::Changed),
            (Ending::FenceLost, Some(fence)) => return Err(self.fence_lost(fence).await),
            (Ending::Refused, _) => return Err(TargetError::ProxyRefused { reason: alerts(&sections) }),
            _ => expect_done("change the proxy's state", &printed)?,
        }
        if Runtime::read(&sections).only(&key(place)).commands_to(&wanted).is_empty() {
            return Ok(Committed::Yes);
        }
        // The worker was not as its files said even before: it is read and mended.
        let snapshot = self.snapshot(ground, place).await?;
        self.repair(ground, place, &snapshot).await?;
        Ok(Committed::Yes)
    }

    /// Brings workers that differ from the files to what the files say.
    pub(super) async fn repair(&self, ground: &Ground, place: &Place, snapshot: &Snapshot) -> Result<(), TargetError> {
        let wanted = Runtime::of(&snapshot.generation.state).only(&key(place));
        let commands = snapshot.runtime.commands_to(&wanted);
        if commands.is_empty() {
            return Ok(());
        }
        tracing::warn!(%place, count = commands.len(), "the proxy did not do what its files say and is mended");
        let variables = vec![
            ("EXPECTED", snapshot.generation.name.clone()),
            ("COMMANDS", commands.join("\n")),
            ("BACKENDS", backends(place)),
        ];
        let printed = self.run_script(ground, REPAIR, variables).await?;
        match Ending::of(printed.exit_code) {
            // Whoever changed it brought the workers to it.
            Ending::Changed => return Ok(()),
            _ => expect_done("mend the proxy", &printed)?,
        }
        let left = Runtime::read(&proxy::sections(&printed.output)).only(&key(place)).commands_to(&wanted);
        match left.first() {
            None => Ok(()),
            Some(command) => Err(TargetError::ProxyRefused { reason: format!("`{command}` had no effect") }),
        }
    }

    pub(super) async fn upload_generation(
        &self,
        ground: &Ground,
        name: &str,
        state: &ProxyState,
        record: Option<&NamedRecord>,
    ) -> Result<(), TargetError> {
        let folder = format!("generations/{name}");
        let named = generation_files(name, state)?;
        let record = record.map(|record| (format!("records/{}", record.file), &record.content));
        let mut files = vec![File { path: &folder, content: FileContent::Folder, mode: 0o755, owner: (0, 0) }];
        files.extend(named.iter().map(|(path, text)| File::plain(path, text.as_bytes())));
        files.extend(record.iter().map(|(path, content)| File::plain(path, content.as_bytes())));
        let own_roots = format!("{folder}/{}", proxy::ROOTS);
        let system_roots = format!("{folder}/roots/system.pem");
        if named.iter().any(|(path, _)| *path == own_roots) {
            let link = FileContent::Link(proxy::SYSTEM_ROOTS);
            files.push(File { path: &system_roots, content: link, mode: 0o777, owner: (0, 0) });
        }
        self.api.upload(&ground.container, FOLDER, &files).await
    }

    /// Waits until the proxy that was just started answers.
    pub(super) async fn await_proxy(&self, ground: &Ground) -> Result<(), TargetError> {
        let operation = "wait for the proxy";
        let printed = self.run_script(ground, AWAIT, vec![("ROUNDS", "100".to_owned())]).await;
        match printed {
            Ok(printed) if printed.exit_code == 0 => Ok(()),
            Err(error @ TargetError::Unreachable { .. }) => Err(error),
            _ => {
                let tail = self.last_lines(&ground.container, 20).await?;
                tracing::warn!(operation, "the proxy does not answer");
                Err(TargetError::ProxyRefused { reason: tail.join("\n") })
            }
        }
    }

    /// Writes what a new proxy container changed: its ports, its subnet.
    pub(super) async fn settle(&self, ground: &Ground, shared: &Shared) -> Result<(), TargetError> {
        let nowhere = Place { project: "".into(), environment: "".into() };
        for tries in 0..TRIES {
            make_way(tries).await;
            let Some(before) = self.read_generation(ground).await? else { break };
            let after = ProxyState { ports: Some(ground.ports), subnet: shared.subnet.to_string(), ..before.state.clone() };
            if after == before.state || self.commit(ground, None, &nowhere, None, &before, &after).await? == Committed::Yes {
                break;
            }
        }
        Ok(())
    }

    /// Remembers a fence on the proxy's volume, when there is a proxy that runs.
    pub(super) async fn remember_fence(&self, fence: &Fence) -> Result<(), TargetError> {
        let Some(ground) = self.ground().await?.filter(|ground| ground.running) else { return Ok(()) };
        let variables = vec![("KEY", key(&fence.place)), ("NUMBER", fence.number.to_string()), ("TOKEN", fence.token.clone())];
        let printed = self.run_script(&ground, REMEMBER, variables).await?;
        match Ending::of(printed.exit_code) {
            Ending::FenceLost => Err(self.fence_lost(fence).await),
            _ => expect_done("remember the lock", &printed),
        }
    }

    pub(super) async fn drain_idle(&self, place: &Place, limit: Duration) -> Result<u32, TargetError> {
        let Some(ground) = self.ground().await?.filter(|ground| ground.running) else { return Ok(0) };
        let state = self.read_state(&ground).await?;
        let key = key(place);
        let Some(here) = state.places.get(&key) else { return Ok(0) };
        // A side that gets a share is in use: only what was taken out of it is waited for.
        let (idle, used) = match here.share {
            0 => (format!("{key}.{}", here.idle_color().word()), here.serving.into_iter().collect()),
            _ => (String::new(), Color::ALL.to_vec()),
        };
        let emptied: Vec<String> = used
            .into_iter()
            .filter_map(|color| Some((color, here.sides.get(&color)?)))
            .flat_map(|(color, side)| {
                let free = (1..=proxy::SLOTS).filter(|number| !side.slots.contains_key(number));
                free.map(|number| format!("{key}.{}/s{number}", color.word())).collect::<Vec<_>>()
            })
            .collect();
        let began = Instant::now();
        loop {
            // In short turns: a connection to the engine that is silent for long may be cut on its way.
            let rounds = limit.saturating_sub(began.elapsed()).as_millis().min(2_000) / 100;
            let variables = vec![("IDLE", idle.clone()), ("SERVERS", emptied.join(" ")), ("ROUNDS", rounds.to_string())];
            let printed = self.run_script(&ground, DRAIN, variables).await?;
            expect_done("count the requests in flight", &printed)?;
            let sections = proxy::sections(&printed.output);
            let left =
                sections.iter().find(|section| section.name == "left").and_then(|section| section.text.trim().parse().ok());
            match left {
                Some(0) => return Ok(0),
                Some(left) if began.elapsed() >= limit || rounds == 0 => return Ok(left),
                _ => {}
            }
        }
    }

    pub(super) async fn run_script(
        &self,
        ground: &Ground,
        script: &str,
        variables: Vec<(&str, String)>,
    ) -> Result<Printed, TargetError> {
        let mut all = vec![format!("MASTER={MASTER_PORT}"), format!("FOLDER={FOLDER}")];
        all.extend(variables.into_iter().map(|(name, value)| format!("{name}={value}")));
        let command = vec!["bash".to_owned(), "-c".to_owned(), script.to_owned()];
        self.api.run(&ground.container, command, all).await
    }
}

pub(super) fn expect_done(operation: &str, printed: &Printed) -> Result<(), TargetError> {
    let reason = match Ending::of(printed.exit_code) {
        Ending::Done => return Ok(()),
        Ending::Busy => "another process holds the proxy's volume".to_owned(),
        Ending::Silent => "the proxy does not answer".to_owned(),
        ending => format!("{ending:?}: {}", printed.errors.trim()),
    };
    Err(TargetError::Refused { operation: operation.to_owned(), reason })
}

/// Whether a change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Committed {
    Yes,
    /// Somebody else changed the state since it was read.
    Changed,
}

/// A record as it lies on the volume.
pub(super) struct NamedRecord {
    pub file: String,
    content: String,
}

impl NamedRecord {
    /// Names a record by its environment and its content.
    pub fn new(place: &Place, record: &Record) -> Result<Self, TargetError> {
        let content = serde_json::to_string(record).map_err(|error| TargetError::Refused {
            operation: "write the release's record".to_owned(),
            reason: error.to_string(),
        })?;
        let digest = hex::encode(Sha256::digest(content.as_bytes()));
        Ok(Self { file: format!("{}.{}.json", key(place), digest.get(..16).unwrap_or(&digest)), content })
    }
}

fn backends(place: &Place) -> String {
    Color::ALL.map(|color| format!("{}.{}", key(place), color.word())).join(" ")
}

/// Returns the files of a generation by their paths on the volume.
pub(super) fn generation_files(name: &str, state: &ProxyState) -> Result<Vec<(String, String)>, TargetError> {
    let generation = Generation { name: name.to_owned(), state: state.clone() };
    let json = serde_json::to_string_pretty(&generation)
        .map_err(|error| TargetError::Refused { operation: "write the proxy's state".to_owned(), reason: error.to_string() })?;
    let files = proxy::files(state).into_iter().chain([("state.json", json)]);
    Ok(files.map(|(file, text)| (format!("generations/{name}/{file}"), text)).collect())
}

fn parse(bytes: &[u8]) -> Result<Generation, TargetError> {
    let refused = |reason: String| TargetError::Refused { operation: "read the proxy's state".to_owned(), reason };
    let generation: Generation = serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()))?;
    if generation.state.format > ProxyState::FORMAT {
        return Err(refused("a newer Nonevent wrote it; update this one".to_owned()));
    }
    Ok(generation)
}

/// Returns what HAProxy complained about, without its chatter.
fn alerts(sections: &[Section]) -> String {
    let text: Vec<&str> = sections.iter().filter(|section| section.name == "refusal").flat_map(Section::lines).collect();
    let alerts: Vec<&str> = text.iter().copied().filter(|line| line.contains("[ALERT]")).collect();
    if alerts.is_empty() { text.join("\n") } else { alerts.join("\n") }
}
