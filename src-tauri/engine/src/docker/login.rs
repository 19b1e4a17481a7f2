//! Logins of registries, from where the docker CLI keeps them: its `config.json` and its credential helpers.
//!
//! Reads only; never writes, never prints a password. Where there is none, whoever keeps others is asked.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use base64::Engine as _;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;

use super::Surroundings;

/// A login of one registry. Its password is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password, or an identity token when the user is empty.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("username", &self.username).field("password", &"****").finish()
    }
}

impl Login {
    /// Returns the shape in which the engine's API takes it.
    pub fn credentials(&self) -> DockerCredentials {
        match self.username.as_str() {
            "" => DockerCredentials { identitytoken: Some(self.password.clone()), ..DockerCredentials::default() },
            user => DockerCredentials {
                username: Some(user.to_owned()),
                password: Some(self.password.clone()),
                ..DockerCredentials::default()
            },
        }
    }
}

/// Why a login that is configured could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The configuration is unreadable.
    #[error("the docker CLI's configuration `{file}` cannot be read: {reason}", file = file.display())]
    ConfigBroken {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nonevent keeps it itself, and its vault does not open.
    #[error("the login of `{registry}` that Nonevent keeps cannot be read: {reason}")]
    VaultClosed {
        /// The registry.
        registry: String,
        /// Why.
        reason: String,
    },
    /// A credential helper failed.
    #[error("the credential helper `{helper}` gave no login of `{registry}`: {reason}")]
    HelperFailed {
        /// The program.
        helper: String,
        /// The registry.
        registry: String,
        /// What it said.
        reason: String,
    },
}

impl LoginError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ConfigBroken { .. } => Some("mend the file, or log in again by `docker login`".to_owned()),
            Self::VaultClosed { .. } => {
                Some("`nonevent secret list` shows where logins are kept; or use `docker login`".to_owned())
            }
            Self::HelperFailed { registry, .. } => Some(format!("log in again by `docker login {registry}`")),
        }
    }
}

/// The key under which the docker CLI keeps the login of Docker Hub.
pub(super) const HUB_KEY: &str = "https://index.docker.io/v1/";
pub(super) const HUB: &str = "docker.io";

/// Returns the registry that a reference such as `ghcr.io/acme/shop:1` names; `docker.io` when it names none.
pub fn registry_of(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => HUB,
    }
}

/// Logins that are kept elsewhere than where the docker CLI keeps them.
#[async_trait]
pub trait KeptLogins: Send + Sync {
    /// Returns the login of a registry; why it cannot be read, when it is there and cannot.
    async fn login(&self, registry: &str) -> Result<Option<Login>, String>;
}

/// One for the process: whatever speaks to a registry is far from whoever opened the home.
static KEPT: RwLock<Option<Arc<dyn KeptLogins>>> = RwLock::new(None);

/// Offers logins to whatever speaks to registries in this process, after those of the docker CLI.
pub fn offer_logins(logins: Arc<dyn KeptLogins>) {
    *KEPT.write().unwrap_or_else(PoisonError::into_inner) = Some(logins);
}

/// Returns the login of a registry among those that were offered.
///
/// # Errors
/// When it is there and cannot be read.
pub async fn kept_login(registry: &str) -> Result<Option<Login>, LoginError> {
    let kept = KEPT.read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(kept) = kept else { return Ok(None) };
    kept.login(registry).await.map_err(|reason| LoginError::VaultClosed { registry: registry.to_owned(), reason })
}

/// Returns the name under which a registry's login is kept.
pub fn login_server(registry: &str) -> String {
    match registry {
        "registry-1.docker.io" | "index.docker.io" | HUB_KEY => HUB.to_owned(),
        other => host_of(other).to_owned(),
    }
}

/// Returns the login of a registry, when there is one: the docker CLI's, else one that was offered.
///
/// # Errors
/// When the configuration is unreadable or a credential helper fails.
pub async fn login_for(surroundings: &Surroundings, registry: &str) -> Result<Option<Login>, LoginError> {
    match docker_login(surroundings, registry).await {
        Ok(Some(login)) => Ok(Some(login)),
        Ok(None) => kept_login(registry).await,
        Err(error) => match kept_login(registry).await {
            Ok(Some(login)) => Ok(Some(login)),
            _ => Err(error),
        },
    }
}

async fn docker_login(surroundings: &Surroundings, registry: &str) -> Result<Option<Login>, LoginError> {
    let Some(file) = surroundings.config.as_ref().map(|folder| folder.join("config.json")) else { return Ok(None) };
    let broken = |reason: String| LoginError::ConfigBroken { file: file.clone(), reason };
    let config: ConfigFile = match tokio::fs::read(&file).await {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(broken(error.to_string())),
    };
    let registry = match registry {
        "registry-1.docker.io" | "index.docker.io" | HUB => HUB_KEY,
        other => other,
    };
    match config.helper(registry) {
        Some(helper) => ask_helper(&format!("docker-credential-{helper}"), registry).await,
        None => Ok(config.stored(registry)),
    }
}

#[derive(Default, Deserialize)]
struct ConfigFile {
    #[serde(default)]
    auths: BTreeMap<String, StoredLogin>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct StoredLogin {
    auth: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl ConfigFile {
    fn helper(&self, registry: &str) -> Option<&str> {
        let store = self.store.as_deref().filter(|store| !store.is_empty());
        self.helpers.get(registry).map(String::as_str).or(store)
    }

    fn stored(&self, registry: &str) -> Option<Login> {
        let same = |(key, _): &(&String, &StoredLogin)| host_of(key) == host_of(registry);
        let stored = self.auths.get(registry).or_else(|| self.auths.iter().find(same).map(|(_, stored)| stored))?;
        if let Some(token) = stored.identitytoken.as_ref().filter(|token| !token.is_empty()) {
            return Some(Login { username: String::new(), password: token.clone() });
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(stored.auth.as_ref()?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (username, password) = text.split_once(':')?;
        Some(Login { username: username.to_owned(), password: password.trim_end_matches('\0').to_owned() })
    }
}

/// Keys may be written as a URL with a path, as older versions of the docker CLI did.
fn host_of(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(host, _)| host)
}

/// Asks a helper by its protocol: the registry on standard input, JSON on standard output.
async fn ask_helper(helper: &str, registry: &str) -> Result<Option<Login>, LoginError> {
    let failed = |reason: String| LoginError::HelperFailed { helper: helper.to_owned(), registry: registry.to_owned(), reason };
    let mut command = tokio::process::Command::new(helper);
    crate::process::without_secrets(command.as_std_mut());
    let spawned =
        command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = spawned.map_err(|error| failed(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(registry.as_bytes()).await.map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().await.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        // Helpers tell on standard output that they hold nothing; that is no failure.
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        return match said.contains("credentials not found") {
            true => Ok(None),
            false => Err(failed(if said.is_empty() { output.status.to_string() } else { said })),
        };
    }
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let username = if answer.username == "<token>" { String::new() } else { answer.username };
    Ok(Some(Login { username, password: answer.secret }))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn login(config: &str, registry: &str) -> Result<Option<Login>, LoginError> {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("config.json"), config).expect("file");
        let surroundings = Surroundings { config: Some(folder.path().to_owned()), ..Surroundings::default() };
        login_for(&surroundings, registry).await
    }

    #[test]
    fn references_name_their_registry() {
        let table = [
            ("python:3.13-slim", "docker.io"),
            ("library/python", "docker.io"),
            ("ghcr.io/acme/shop:1", "ghcr.io"),
            ("localhost/shop", "localhost"),
            ("127.0.0.1:5000/shop", "127.0.0.1:5000"),
        ];
        for (reference, registry) in table {
            assert_eq!(registry_of(reference), registry, "{reference}");
        }
    }

    #[tokio::test]
    async fn stored_logins_are_found_by_host() {
        let encoded = base64::engine::general_purpose::STANDARD.encode("ann:made-up:password");
        let config = format!(
            r#"{{"auths":{{"https://index.docker.io/v1/":{{"auth":"{encoded}"}},"https://old.example.com/v2/":{{"auth":"{encoded}"}},"token.example.com":{{"identitytoken":"made-up-token"}},"empty.example.com":{{}}}}}}"#
        );
        let ann = Login { username: "ann".into(), password: "made-up:password".into() };
        for registry in ["docker.io", "registry-1.docker.io", "old.example.com"] {
            assert_eq!(login(&config, registry).await.expect("login"), Some(ann.clone()), "{registry}");
        }
        let token = login(&config, "token.example.com").await.expect("login").expect("token");
        assert_eq!(token.credentials().identitytoken.as_deref(), Some("made-up-token"));
        assert_eq!(login(&config, "empty.example.com").await.expect("login"), None);
        assert_eq!(login(&config, "unknown.example.com").await.expect("login"), None);
        assert!(!format!("{ann:?}").contains("made-up"));
    }

    #[tokio::test]
    async fn a_missing_helper_is_named() {
        let config = r#"{"credHelpers":{"ghcr.io":"no-such-helper"}}"#;
        let error = login(config, "ghcr.io").await.expect_err("no such helper");
        assert!(
            error.to_string().starts_with("the credential helper `docker-credential-no-such-helper` gave no login of `ghcr.io`")
        );
        assert_eq!(login(config, "other.example.com").await.expect("no helper for it"), None);
    }

    struct Ann;

    #[async_trait]
    impl KeptLogins for Ann {
        async fn login(&self, registry: &str) -> Result<Option<Login>, String> {
            Ok((registry == "ghcr.io").then(|| Login { username: "ann".into(), password: "made-up".into() }))
        }
    }

    #[tokio::test]
    async fn a_helper_that_fails_keeps_nobody_from_a_login_that_is_kept_elsewhere() {
        offer_logins(Arc::new(Ann));
        let config = r#"{"credsStore":"no-such-helper"}"#;
        assert_eq!(login(config, "ghcr.io").await.expect("kept").expect("kept").username, "ann");
        assert!(login(config, "other.example.com").await.is_err());
    }
}
