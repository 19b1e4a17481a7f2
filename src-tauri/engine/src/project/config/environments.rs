//! `[environments.*]`.

use std::time::Duration;

use super::app::read_replicas;
use super::checks::{check_label, check_secrets, check_variables, word};
use super::strategy::StrategySection;
use crate::model::SecretDelivery;
use crate::project::names::{closest, is_host};
use crate::project::section::{Section, quoted};
use crate::project::{At, Located, ProjectError};

/// `[environments.NAME]`.
#[derive(Debug)]
pub(in crate::project) struct EnvironmentSection {
    pub at: At,
    pub target: Option<Located<String>>,
    pub domain: Option<Located<String>>,
    pub replicas: Option<Located<u16>>,
    /// `[environments.NAME.process.PROCESS]`, each with its `replicas`.
    pub processes: Vec<(String, ProcessSettings)>,
    pub env: Vec<(String, Located<String>)>,
    pub secrets: Option<Located<Vec<String>>>,
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
}

/// `[environments.NAME.process.PROCESS]`.
#[derive(Debug)]
pub(in crate::project) struct ProcessSettings {
    pub at: At,
    pub replicas: Option<Located<u16>>,
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
            replicas: read_replicas(section, 1)?,
            processes: read_processes(section)?,
            env: section.string_table("env")?,
            secrets: section.strings("secrets")?,
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
        };
        section.finish()?;
        Ok(environment)
    }

    fn check(&self, section: &Section<'_>) -> Result<(), ProjectError> {
        if let Some(target) = self.target.as_ref().filter(|target| !is_target(&target.value)) {
            let reason = "a target is `docker` or a URL".into();
            let hint = match closest(&target.value, ["docker"].into_iter()) {
                Some(_) => "write `target = \"docker\"`".into(),
                None => "write `target = \"docker\"`, or `target = \"ssh://deploy@shop.example.com\"`".into(),
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
        check_secrets(section, self.secrets.as_ref(), &self.env)
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
