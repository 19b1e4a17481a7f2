//! `[environments.*]`.

use std::path::PathBuf;
use std::time::Duration;

use super::app::read_replicas;
use super::checks::{SecretsSection, check_label, check_secrets, check_variables, read_secrets, word};
use super::probes::ProbeSection;
use super::strategy::StrategySection;
use crate::model::{NotifyLevel, SecretDelivery};
use crate::project::names::{closest, is_host};
use crate::project::section::{Section, quoted};
use crate::project::{At, Located, ProjectError};

/// `[environments.NAME]`.
#[derive(Debug)]
pub(in crate::project) struct EnvironmentSection {
    pub at: At,
    pub target: Option<Located<String>>,
    pub domain: Option<Located<String>>,
    pub https: Option<Located<HttpsChoice>>,
    pub acme: AcmeSection,
    pub replicas: Option<Located<u16>>,
    /// `[environments.NAME.process.PROCESS]`, each with its `replicas`.
    pub processes: Vec<(String, ProcessSettings)>,
    pub env: Vec<(String, Located<String>)>,
    pub secrets: SecretsSection,
    pub secret_delivery: Option<Located<SecretDelivery>>,
    pub services: Option<Located<Vec<String>>>,
    pub after: Option<Located<String>>,
    pub protected: Option<Located<bool>>,
    pub memory: Option<Located<u64>>,
    pub cpus: Option<Located<f64>>,
    pub pids: Option<Located<i64>>,
    pub bake: Option<Located<Duration>>,
    pub drain: Option<Located<Duration>>,
    pub strategy: StrategySection,
    pub probes: Vec<(String, ProbeSection)>,
    pub notify: Option<Located<NotifyLevel>>,
}

/// `[environments.NAME.process.PROCESS]`.
#[derive(Debug)]
pub(in crate::project) struct ProcessSettings {
    pub at: At,
    pub replicas: Option<Located<u16>>,
}

/// `[environments.NAME] https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::project) enum HttpsChoice {
    Off,
    Local,
    Acme,
}

/// `[environments.NAME.acme]`.
#[derive(Debug, Default)]
pub(in crate::project) struct AcmeSection {
    pub at: Option<At>,
    pub directory: Option<Located<String>>,
    pub email: Option<Located<String>>,
    pub ca_bundle: Option<Located<PathBuf>>,
}

impl AcmeSection {
    fn read(environment: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = environment.section("acme")? else { return Ok(Self::default()) };
        let found = Self {
            at: Some(section.at.clone()),
            directory: section.string("directory")?,
            email: section.string("email")?,
            ca_bundle: section.path("ca_bundle")?,
        };
        section.finish()?;
        if let Some(directory) = found.directory.as_ref().filter(|directory| !is_directory(&directory.value)) {
            let reason = "an ACME directory is an `https` URL with a host name".into();
            let hint = "write `directory = \"https://acme.example.com/directory\"`".into();
            return Err(section.bad("directory", &directory.at, &quoted(&directory.value), reason, hint));
        }
        if let Some(email) = found.email.as_ref().filter(|email| !is_email(&email.value)) {
            let reason = "it is no address".into();
            return Err(section.bad(
                "email",
                &email.at,
                &quoted(&email.value),
                reason,
                "write `email = \"ops@example.com\"`".into(),
            ));
        }
        Ok(found)
    }
}

/// Tells whether a text can be an ACME directory; the proxy checks certificates of host names, not of addresses.
fn is_directory(text: &str) -> bool {
    let sound = |url: url::Url| url.scheme() == "https" && url.domain().is_some();
    url::Url::parse(text).is_ok_and(sound) && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '\'' | '"' | '\\'))
}

fn is_email(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
    text.split_once('@').is_some_and(|(name, host)| plain(name) && plain(host))
}

impl EnvironmentSection {
    pub fn read_all(top: &Section<'_>) -> Result<Vec<(String, Self)>, ProjectError> {
        let Some(all) = top.section("environments")? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in all.entries() {
            check_label(&all, &entry)?;
            let section = all.named(&entry)?;
            let environment = Self::read(&section)?;
            environment.check(&section)?;
            found.push((entry.name, environment));
        }
        Ok(found)
    }

    fn read(section: &Section<'_>) -> Result<Self, ProjectError> {
        let environment = Self {
            at: section.at.clone(),
            target: section.string("target")?,
            domain: section.string("domain")?,
            https: word(
                section,
                "https",
                &[("local", HttpsChoice::Local), ("acme", HttpsChoice::Acme), ("off", HttpsChoice::Off)],
            )?,
            acme: AcmeSection::read(section)?,
            replicas: read_replicas(section, 1)?,
            processes: read_processes(section)?,
            env: section.string_table("env")?,
            secrets: read_secrets(section)?,
            secret_delivery: word(section, "secret_delivery", &[("env", SecretDelivery::Env), ("file", SecretDelivery::File)])?,
            services: section.strings("services")?,
            after: section.string("after")?,
            protected: section.flag("protected")?,
            memory: section.bytes("memory")?,
            cpus: section.number("cpus")?,
            pids: section.integer("pids", 1..=4_194_304, 512)?,
            bake: section.duration("bake")?,
            drain: section.duration("drain")?,
            strategy: StrategySection::read(section)?,
            probes: ProbeSection::read_all(section)?,
            notify: word(
                section,
                "notify",
                &[("all", NotifyLevel::All), ("down", NotifyLevel::Down), ("none", NotifyLevel::None)],
            )?,
        };
        section.finish()?;
        Ok(environment)
    }

    fn check(&self, section: &Section<'_>) -> Result<(), ProjectError> {
        if let Some(target) = self.target.as_ref().filter(|target| !is_target(&target.value)) {
            let reason = "a target is `docker` or a URL".into();
            let hint = match closest(&target.value, ["docker"].into_iter()) {
                Some(_) => "write `target = \"docker\"`".into(),
                None => "write `target = \"docker\"`".into(),
            };
            return Err(section.bad("target", &target.at, &quoted(&target.value), reason, hint));
        }
        if let Some(domain) = self.domain.as_ref().filter(|domain| !is_host(&domain.value)) {
            let reason = "it is no host name in small letters".into();
            let hint = "write `domain = \"shop.example.com\"`, without scheme and port".into();
            return Err(section.bad("domain", &domain.at, &quoted(&domain.value), reason, hint));
        }
        if let Some(cpus) = self.cpus.as_ref().filter(|cpus| !(0.01..=1024.0).contains(&cpus.value)) {
            let reason = "it must be from 0.01 to 1024".into();
            return Err(section.bad(
                "cpus",
                &cpus.at,
                &cpus.value.to_string(),
                reason,
                "write `cpus = 0.5`, or `cpus = 2`".into(),
            ));
        }
        check_variables(&section.key("env"), &self.env)?;
        check_secrets(section, self.secrets.names.as_ref(), &self.env)
    }
}

/// Reads `[environments.NAME.process.PROCESS]`.
fn read_processes(section: &Section<'_>) -> Result<Vec<(String, ProcessSettings)>, ProjectError> {
    let Some(all) = section.section("process")? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in all.entries() {
        check_label(&all, &entry)?;
        let inner = all.named(&entry)?;
        let replicas = read_replicas(&inner, 0)?;
        inner.finish()?;
        found.push((entry.name, ProcessSettings { at: entry.at, replicas }));
    }
    Ok(found)
}

fn is_target(text: &str) -> bool {
    text == "docker" || url::Url::parse(text).is_ok_and(|url| text.contains("://") && (url.has_host() || !url.path().is_empty()))
}
