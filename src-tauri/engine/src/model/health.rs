//! Watching what serves: how it is measured, what was found, and when people are told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CommandLine, Diagnosis, EnvironmentName, HealthState, ProcessName, ProjectName, ReleaseId};

/// One probe of an environment, with nothing left to infer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProbeSettings {
    /// Its name.
    pub name: String,
    /// What it measures.
    pub kind: ProbeKind,
    /// Time between two measurements.
    pub interval: Duration,
    /// Time after which one has failed.
    pub timeout: Duration,
    /// How many of the last measurements must fail for the verdict to fall.
    pub fall: Threshold,
    /// How many of the last measurements must pass for it to recover.
    pub recover: Threshold,
    /// Most by which a measurement is moved from its time, so that probes do not come all at once.
    pub jitter: Duration,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Threshold {
    /// How many; from 1 to `of`.
    pub count: u32,
    /// Of the last how many.
    pub of: u32,
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.count, self.of)
    }
}

/// What a probe measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// A request and its answer.
    Http(HttpProbe),
    /// A port that accepts a connection.
    Tcp {
        /// `host:port`; none for the environment's own address.
        address: Option<String>,
    },
    /// A command inside an instance ends with 0.
    Command {
        /// What it runs.
        run: CommandLine,
        /// In an instance of this process; the one that receives requests otherwise.
        process: Option<ProcessName>,
    },
    /// Every instance runs and is not restarted.
    Container {
        /// Restarts between two measurements that are no trouble yet.
        restarts: u32,
    },
}

/// A request, and what its answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HttpProbe {
    /// A path of the environment, with its leading slash, or a whole URL.
    pub target: String,
    /// Statuses that are right; 2xx when there is none.
    pub status: Vec<u16>,
    /// What the body contains.
    pub body: Option<String>,
    /// A path into a JSON body (RFC 9535) and the text that stands there; without a text, something stands there.
    pub json: Option<(String, Option<String>)>,
    /// Headers of the request.
    pub headers: BTreeMap<String, String>,
    /// A longer answer is degraded.
    pub latency: Option<Duration>,
    /// A certificate with fewer days left is degraded.
    pub certificate_days: Option<u32>,
    /// Redirects that are followed.
    pub redirects: u32,
}

/// When people are told, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NotifySettings {
    /// Whether the desktop shows it.
    pub desktop: bool,
    /// From when to when only outages are told, minutes after midnight by the clock of the machine.
    pub quiet: Option<(u16, u16)>,
    /// Where it is sent besides, by name.
    pub webhooks: BTreeMap<String, WebhookSettings>,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self { desktop: true, quiet: None, webhooks: BTreeMap::new() }
    }
}

/// An address that notices are posted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct WebhookSettings {
    /// What it understands.
    pub kind: WebhookKind,
    /// Its URL, or `env:NAME` for the variable that holds it.
    pub url: String,
    /// The variable that holds the key of the signature, `json` only.
    pub secret: Option<String>,
}

/// What a webhook understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum WebhookKind {
    /// `{"text": …}`: Slack, Mattermost, Rocket.Chat.
    Slack,
    /// `{"content": …}`.
    Discord,
    /// A text with headers.
    Ntfy,
    /// The notice as it is, signed with HMAC-SHA256.
    Json,
}

/// What people are told of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum NotifyLevel {
    /// Incidents and the ends of rollouts.
    #[default]
    All,
    /// Incidents in which nothing answers, and rollouts that failed.
    Down,
    /// Nothing.
    None,
}

/// What one measurement found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SampleOutcome {
    /// All is as it should be.
    Passed,
    /// It answers, and something about it is wrong.
    Degraded,
    /// It does not answer as it should.
    Failed,
    /// The observer could not look: no network of its own, no engine.
    Unseen,
}

/// A span in which an environment was not healthy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Incident {
    /// Its id.
    pub id: String,
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The worst that it came to.
    pub worst: HealthState,
    /// When it began, RFC 3339.
    pub opened_at: String,
    /// When it ended.
    pub closed_at: Option<String>,
    /// The probe that failed first.
    pub probe: String,
    /// What that probe found.
    pub finding: String,
    /// The release that served when it began.
    pub release: Option<ReleaseId>,
    /// Why, as far as that can be told.
    pub diagnosis: Option<Diagnosis>,
    /// What changed shortly before, in words, the last first.
    pub changes: Vec<String>,
}

impl Incident {
    /// Returns why it came about, in one line.
    pub fn cause(&self) -> &str {
        match &self.diagnosis {
            Some(diagnosis) if !diagnosis.suspects.is_empty() => &diagnosis.summary,
            _ => &self.finding,
        }
    }
}

/// What a series of measurements counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Millionths of a second.
    Microseconds,
    /// Bytes.
    Bytes,
    /// Thousandths of a core.
    Millicores,
    /// Thousandths of the whole.
    Permille,
    /// Things.
    Count,
    /// Thousandths of a request each second.
    MilliPerSecond,
}

/// A series of measurements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Series {
    /// `probe:NAME`, `cpu`, `memory`, `memory_share`, `restarts`, `disk_free`, `requests`, `errors`, `p95`.
    pub name: String,
    /// What it counts.
    pub unit: Unit,
}

/// The measurements of some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TimelinePoint {
    /// When it begins, milliseconds since 1970.
    pub at: i64,
    /// Measurements that could be made.
    pub count: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Those that were degraded.
    pub degraded: u64,
    /// Measurements that the observer could not make.
    pub unseen: u64,
    /// The middle of the values.
    pub p50: u64,
    /// 95 of 100 values are no greater.
    pub p95: u64,
    /// 99 of 100 values are no greater.
    pub p99: u64,
    /// The greatest value.
    pub max: u64,
}

/// Something that stands on the time axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Marker {
    /// When, milliseconds since 1970.
    pub at: i64,
    /// The release that serves from then on.
    pub release: Option<ReleaseId>,
    /// In words.
    pub text: String,
}

/// A time in which nothing was observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Gap {
    /// From when, milliseconds since 1970.
    pub from: i64,
    /// To when.
    pub to: i64,
    /// Why, in words.
    pub reason: String,
}

/// How one environment fared in some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HealthReport {
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// From when, milliseconds since 1970.
    pub from: i64,
    /// To when.
    pub to: i64,
    /// What the last measurements mean.
    pub state: HealthState,
    /// Every series with its points, at most 2000 each.
    pub series: Vec<(Series, Vec<TimelinePoint>)>,
    /// Releases and what else happened.
    pub markers: Vec<Marker>,
    /// Times in which nothing was observed.
    pub gaps: Vec<Gap>,
    /// Incidents that touch the time, the newest first.
    pub incidents: Vec<Incident>,
}

/// What people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Notice {
    /// The same for the news about one thing, so that the later replaces the earlier.
    pub about: String,
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The release it is about.
    pub release: Option<ReleaseId>,
    /// How it matters.
    pub weight: NoticeWeight,
    /// How much what is over with it mattered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<NoticeWeight>,
    /// One line.
    pub title: String,
    /// What failed, and why.
    pub text: String,
    /// Where the app answers.
    pub url: Option<String>,
    /// When, RFC 3339.
    pub at: String,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum NoticeWeight {
    /// It is well, or well again.
    Good,
    /// Something is not as it should be.
    Warning,
    /// Nothing answers, or a rollout failed.
    Outage,
}

/// A notice that a webhook never took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// When it was given up, RFC 3339.
    pub at: String,
    /// The project that configures the webhook.
    pub project: ProjectName,
    /// The webhook's name.
    pub webhook: String,
    /// What was to be told.
    pub notice: Notice,
    /// Why it could not be.
    pub reason: String,
}
