//! The address of a screen, as other programs may open it: `nonevent://project/NAME`, then nothing, `environment/NAME`, `run/ID`, `release/ID`,
//! `health/ENVIRONMENT`, `health/ENVIRONMENT/INCIDENT` or `logs/ENVIRONMENT`.
//!
//! It names a screen and nothing else: whoever follows one does nothing but look.

use std::fmt;
use std::str::FromStr;

use nonevent_engine::model::{EnvironmentName, ProjectName, ReleaseId, RunId};
use percent_encoding::percent_decode_str;
use url::Url;

/// What every address begins with.
pub const SCHEME: &str = "nonevent";

/// The longest address that is read.
const LONGEST: usize = 512;

/// A screen of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Whose screen.
    pub project: ProjectName,
    /// Which.
    pub screen: Screen,
}

/// What a screen shows of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// Its map.
    Overview,
    /// One environment.
    Environment(EnvironmentName),
    /// One run.
    Run(RunId),
    /// One release.
    Release(ReleaseId),
    /// How an environment fares.
    Health(EnvironmentName),
    /// The same, at one incident.
    Incident(EnvironmentName, String),
    /// What an environment's instances print.
    Logs(EnvironmentName),
}

/// Why an address was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{address}` is the address of no screen: {reason}")]
pub struct BadAddress {
    /// Its beginning.
    pub address: String,
    /// Why.
    pub reason: &'static str,
}

impl BadAddress {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> String {
        "addresses are `nonevent://project/NAME`, and below it `/environment/NAME`, `/run/ID`, `/release/ID`, `/health/ENVIRONMENT` and `/logs/ENVIRONMENT`"
            .into()
    }
}

impl Address {
    /// Tells whether a word is meant to be an address, well written or not.
    pub fn is_meant(word: &str) -> bool {
        word.get(..SCHEME.len() + 1).is_some_and(|start| start.eq_ignore_ascii_case("nonevent:"))
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        read(text)
            .map_err(|reason| BadAddress { address: text.chars().take(80).filter(|one| !one.is_control()).collect(), reason })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}://project/{}", self.project)?;
        match &self.screen {
            Screen::Overview => Ok(()),
            Screen::Environment(name) => write!(f, "/environment/{name}"),
            Screen::Run(id) => write!(f, "/run/{id}"),
            Screen::Release(id) => write!(f, "/release/{id}"),
            Screen::Health(name) => write!(f, "/health/{name}"),
            Screen::Incident(name, incident) => write!(f, "/health/{name}/{incident}"),
            Screen::Logs(name) => write!(f, "/logs/{name}"),
        }
    }
}

fn read(text: &str) -> Result<Address, &'static str> {
    if text.len() > LONGEST {
        return Err("it is too long");
    }
    let url = Url::parse(text).map_err(|_| "it cannot be read")?;
    if url.scheme() != SCHEME {
        return Err("it does not begin with `nonevent://`");
    }
    let plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    if !plain || url.query().is_some() || url.fragment().is_some() {
        return Err("it has parts that no screen asks for");
    }
    if url.host_str() != Some("project") {
        return Err("only projects have addresses");
    }
    let parts = url.path_segments().into_iter().flatten().map(word).collect::<Result<Vec<_>, _>>()?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (project, screen) = match parts.as_slice() {
        [project] => (project, Screen::Overview),
        [project, "environment", name] => (project, Screen::Environment(EnvironmentName::new(*name))),
        [project, "run", id] => (project, Screen::Run(RunId::new(*id))),
        [project, "release", id] => (project, Screen::Release(ReleaseId::new(*id))),
        [project, "health", name] => (project, Screen::Health(EnvironmentName::new(*name))),
        [project, "health", name, incident] => (project, Screen::Incident(EnvironmentName::new(*name), (*incident).to_owned())),
        [project, "logs", name] => (project, Screen::Logs(EnvironmentName::new(*name))),
        _ => return Err("there is no such screen"),
    };
    Ok(Address { project: ProjectName::new(*project), screen })
}

/// One part. Every name and id is made of these characters alone (DNS labels, UUIDs, hex digits).
fn word(part: &str) -> Result<String, &'static str> {
    let part = percent_decode_str(part).decode_utf8().map_err(|_| "a name in it is no text")?;
    let is_name = !part.is_empty() && part.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '-' | '_'));
    if is_name { Ok(part.into_owned()) } else { Err("a name in it is none") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_screen_has_an_address_that_is_read_back() {
        let local = || EnvironmentName::new("local");
        for (screen, rest) in [
            (Screen::Overview, ""),
            (Screen::Environment(local()), "/environment/local"),
            (Screen::Run(RunId::new("0190c8a2-7b1e-7000-8000-000000000001")), "/run/0190c8a2-7b1e-7000-8000-000000000001"),
            (Screen::Release(ReleaseId::new("3f2a91c04d5e")), "/release/3f2a91c04d5e"),
            (Screen::Health(local()), "/health/local"),
            (Screen::Incident(local(), "12".into()), "/health/local/12"),
            (Screen::Logs(local()), "/logs/local"),
        ] {
            let address = Address { project: ProjectName::new("shop"), screen };
            assert_eq!(address.to_string(), format!("nonevent://project/shop{rest}"));
            assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
        }
        assert_eq!("NONEVENT://project/s%68op".parse::<Address>().unwrap().project.as_str(), "shop");
    }

    #[test]
    fn whatever_else_is_refused_with_a_reason() {
        for text in [
            "",
            "nonevent:",
            "nonevent:project/shop",
            "nonevent://",
            "nonevent://project",
            "nonevent://project/",
            "nonevent://project/shop/",
            "nonevent://settings",
            "nonevent://project/shop/ship/local",
            "nonevent://project/shop/run",
            "nonevent://project/shop/run/1/2",
            "nonevent://project/../environment/local",
            "nonevent://project/%2e%2e/environment/local",
            "nonevent://project/shop/run/%2Fetc%2Fpasswd",
            "nonevent://project/shop/run/%ff",
            "nonevent://project/shop/run/1%0a2",
            "nonevent://project/shop?ship=local",
            "nonevent://project/shop#ship",
            "nonevent://ada:secret@project/shop",
            "nonevent://project:80/shop",
            "https://project/shop",
            "javascript:alert(1)",
        ] {
            let refused = text.parse::<Address>();
            assert!(refused.is_err(), "{text} was read as {refused:?}");
        }
        let long = format!("nonevent://project/{}", "a".repeat(LONGEST));
        let refused = long.parse::<Address>().unwrap_err();
        assert_eq!((refused.reason, refused.address.len()), ("it is too long", 80));
    }

    #[test]
    fn a_word_that_is_meant_as_one_is_known() {
        assert!(Address::is_meant("nonevent://nowhere") && Address::is_meant("Nonevent:x"));
        assert!(!Address::is_meant("nonevent") && !Address::is_meant("--hidden") && !Address::is_meant("é://"));
    }
}
