//! Chooses the engine exactly as the docker CLI does.
//!
//! `DOCKER_HOST`, else the context named by `DOCKER_CONTEXT`, else the current context of `config.json`, else the default socket.
//! Contexts live beside `config.json`: `contexts/meta/<sha256 of the name>/meta.json`, their TLS files in
//! `contexts/tls/<sha256 of the name>/docker/`. Nothing here connects.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::ConnectError;
use super::address::DEFAULT_HOST;
use crate::model::EngineOrigin;

/// What of a process's environment decides which engine is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// `DOCKER_CONFIG`, else `~/.docker`.
    pub config: Option<PathBuf>,
    /// `DOCKER_CERT_PATH`.
    pub cert_path: Option<PathBuf>,
    /// Whether `DOCKER_TLS_VERIFY` or `DOCKER_TLS` asks for TLS.
    pub tls: TlsWish,
    /// Other places where an engine's socket may lie, for hints.
    pub other_sockets: Vec<PathBuf>,
}

/// What the environment asks of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsWish {
    /// Nothing.
    #[default]
    None,
    /// `DOCKER_TLS_VERIFY`: TLS, and the engine proves who it is.
    Verified,
    /// `DOCKER_TLS` alone: TLS, but anybody may answer.
    Unverified,
}

/// The engine to use, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) host: String,
    pub(super) origin: EngineOrigin,
    pub(super) tls: Option<TlsFiles>,
}

/// Files of a TLS connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TlsFiles {
    pub(super) ca: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

impl Surroundings {
    /// Reads this process's environment. Empty variables count as not set, as the docker CLI takes them.
    pub fn of_process() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = std::env::home_dir();
        let tls = match (text("DOCKER_TLS_VERIFY"), text("DOCKER_TLS")) {
            (Some(_), _) => TlsWish::Verified,
            (None, Some(_)) => TlsWish::Unverified,
            (None, None) => TlsWish::None,
        };
        let mut other_sockets = Vec::new();
        if let Some(runtime) = text("XDG_RUNTIME_DIR").map(PathBuf::from) {
            other_sockets.push(runtime.join("docker.sock"));
            other_sockets.push(runtime.join("podman/podman.sock"));
        }
        if let Some(home) = &home {
            other_sockets.push(home.join(".docker/run/docker.sock"));
            other_sockets.push(home.join(".docker/desktop/docker.sock"));
        }
        other_sockets.push(PathBuf::from("/run/podman/podman.sock"));
        Self {
            host: text("DOCKER_HOST"),
            context: text("DOCKER_CONTEXT"),
            config: text("DOCKER_CONFIG").map(PathBuf::from).or_else(|| home.map(|home| home.join(".docker"))),
            cert_path: text("DOCKER_CERT_PATH").map(PathBuf::from),
            tls,
            other_sockets,
        }
    }

    /// Applies the docker CLI's rules.
    pub(super) fn choose(&self) -> Result<Choice, ConnectError> {
        if let Some(host) = &self.host {
            return self.by_environment(host, EngineOrigin::DockerHost);
        }
        if let Some(name) = &self.context {
            return self.by_context(name, EngineOrigin::DockerContext { name: name.clone() }, "DOCKER_CONTEXT");
        }
        match self.current_context()? {
            Some(name) => self.by_context(&name, EngineOrigin::CurrentContext { name: name.clone() }, "the current one"),
            None => self.by_environment(DEFAULT_HOST, EngineOrigin::DefaultSocket),
        }
    }

    /// The docker CLI's configuration folder holds `config.json`; without the folder or file nothing is configured.
    fn current_context(&self) -> Result<Option<String>, ConnectError> {
        let Some(file) = self.config.as_ref().map(|folder| folder.join("config.json")) else { return Ok(None) };
        let broken = |reason: String| ConnectError::ConfigBroken { file: file.clone(), reason };
        match std::fs::read(&file) {
            Ok(bytes) => {
                let config: ConfigFile = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
                Ok(config.current_context.filter(|name| !name.is_empty()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(broken(error.to_string())),
        }
    }

    fn by_environment(&self, host: &str, origin: EngineOrigin) -> Result<Choice, ConnectError> {
        let tls = match self.tls {
            TlsWish::None => None,
            TlsWish::Unverified => return Err(ConnectError::TlsUnverified { host: host.to_owned() }),
            TlsWish::Verified => {
                let folder = self.cert_path.clone().or_else(|| self.config.clone()).unwrap_or_default();
                Some(TlsFiles::in_folder(&folder))
            }
        };
        Ok(Choice { host: host.to_owned(), origin, tls })
    }

    fn by_context(&self, name: &str, origin: EngineOrigin, chosen_by: &str) -> Result<Choice, ConnectError> {
        // `default` is no stored context: it means "what the environment says", and here DOCKER_HOST is not set.
        if name == "default" {
            return self.by_environment(DEFAULT_HOST, EngineOrigin::DefaultSocket);
        }
        let contexts = self.config.clone().unwrap_or_default().join("contexts");
        let hash = hex::encode(Sha256::digest(name.as_bytes()));
        let file = contexts.join("meta").join(&hash).join("meta.json");
        let broken = |reason: String| ConnectError::ContextBroken { context: name.to_owned(), file: file.clone(), reason };
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ConnectError::ContextUnknown {
                    context: name.to_owned(),
                    chosen_by: chosen_by.to_owned(),
                    known: stored_contexts(&contexts),
                });
            }
            Err(error) => return Err(broken(error.to_string())),
        };
        let meta: ContextMeta = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
        let endpoint = meta.endpoints.get("docker").ok_or_else(|| broken("it has no Docker endpoint".to_owned()))?;
        let host = match endpoint.host.as_deref() {
            Some(host) if !host.is_empty() => host,
            _ => DEFAULT_HOST,
        };
        if endpoint.skip_tls_verify {
            return Err(ConnectError::TlsUnverified { host: host.to_owned() });
        }
        let files = TlsFiles::in_folder(&contexts.join("tls").join(&hash).join("docker"));
        Ok(Choice { host: host.to_owned(), origin, tls: (files != TlsFiles::default()).then_some(files) })
    }
}

impl TlsFiles {
    fn in_folder(folder: &Path) -> Self {
        let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        Self { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") }
    }
}

/// Names of the contexts that are stored, for a hint; what cannot be read is left out.
fn stored_contexts(contexts: &Path) -> Vec<String> {
    let folders = std::fs::read_dir(contexts.join("meta")).into_iter().flatten().flatten();
    let metas = folders.filter_map(|folder| std::fs::read(folder.path().join("meta.json")).ok());
    let mut names: Vec<String> =
        metas.filter_map(|bytes| serde_json::from_slice::<ContextMeta>(&bytes).ok()).map(|meta| meta.name).collect();
    names.sort();
    names
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Name", default)]
    name: String,
    #[serde(rename = "Endpoints", default)]
    endpoints: BTreeMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `DOCKER_CONFIG` folder with one stored context, `lab`.
    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            let world = Self(tempfile::tempdir().expect("temporary folder"));
            world.store(
                "lab",
                r#"{"Name":"lab","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///run/lab.sock","SkipTLSVerify":false}}}"#,
            );
            world
        }

        fn store(&self, name: &str, meta: &str) {
            self.write(&format!("contexts/meta/{}/meta.json", hex::encode(Sha256::digest(name))), meta);
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        }

        fn surroundings(&self) -> Surroundings {
            Surroundings { config: Some(self.0.path().to_owned()), ..Surroundings::default() }
        }
    }

    fn choice(surroundings: &Surroundings) -> (String, EngineOrigin) {
        match surroundings.choose() {
            Ok(choice) => (choice.host, choice.origin),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn docker_host_wins_over_everything() {
        let world = World::new();
        world.write("config.json", r#"{"currentContext":"lab"}"#);
        let surroundings = Surroundings { host: Some("tcp://h:1".into()), context: Some("lab".into()), ..world.surroundings() };
        assert_eq!(choice(&surroundings), ("tcp://h:1".into(), EngineOrigin::DockerHost));
    }

    #[test]
    fn docker_context_wins_over_the_current_context() {
        let world = World::new();
        world.write("config.json", r#"{"currentContext":"elsewhere"}"#);
        let surroundings = Surroundings { context: Some("lab".into()), ..world.surroundings() };
        assert_eq!(choice(&surroundings), ("unix:///run/lab.sock".into(), EngineOrigin::DockerContext { name: "lab".into() }));
    }

    #[test]
    fn the_current_context_is_read_from_the_configuration() {
        let world = World::new();
        world.write("config.json", r#"{"auths":{},"currentContext":"lab"}"#);
        let origin = EngineOrigin::CurrentContext { name: "lab".into() };
        assert_eq!(choice(&world.surroundings()), ("unix:///run/lab.sock".into(), origin));
    }

    #[test]
    fn without_any_word_the_default_socket_is_used() {
        let world = World::new();
        let default = (DEFAULT_HOST.to_owned(), EngineOrigin::DefaultSocket);
        assert_eq!(choice(&world.surroundings()), default);
        world.write("config.json", r#"{"currentContext":""}"#);
        assert_eq!(choice(&world.surroundings()), default);
        let by_name = Surroundings { context: Some("default".into()), ..world.surroundings() };
        assert_eq!(choice(&by_name), default);
        assert_eq!(choice(&Surroundings::default()), default);
    }

    #[test]
    fn an_unknown_context_lists_those_that_exist() {
        let world = World::new();
        world.write("config.json", r#"{"currentContext":"lap"}"#);
        let error = world.surroundings().choose().expect_err("unknown context");
        assert_eq!(error.to_string(), "the Docker context `lap` (the current one) does not exist");
        assert_eq!(error.hint().as_deref(), Some("contexts that exist: lab; choose one by `docker context use`"));
    }

    #[test]
    fn broken_files_are_named() {
        let world = World::new();
        world.store("torn", "{");
        world.store("empty", r#"{"Name":"empty"}"#);
        for name in ["torn", "empty"] {
            let surroundings = Surroundings { context: Some(name.into()), ..world.surroundings() };
            let error = surroundings.choose().expect_err("broken context");
            assert!(matches!(&error, ConnectError::ContextBroken { context, .. } if context == name), "{error}");
        }
        world.write("config.json", "not json");
        let error = world.surroundings().choose().expect_err("broken configuration");
        assert!(matches!(error, ConnectError::ConfigBroken { .. }), "{error}");
        let surroundings = Surroundings { host: Some("unix:///x".into()), ..world.surroundings() };
        assert_eq!(choice(&surroundings).1, EngineOrigin::DockerHost, "DOCKER_HOST does not need the file");
    }

    #[test]
    fn tls_files_come_from_the_context_or_the_certificate_path() {
        let world = World::new();
        let hash = hex::encode(Sha256::digest("lab"));
        world.write(&format!("contexts/tls/{hash}/docker/ca.pem"), "");
        let surroundings = Surroundings { context: Some("lab".into()), ..world.surroundings() };
        let tls = surroundings.choose().expect("context").tls.expect("tls");
        assert!(tls.ca.is_some() && tls.cert.is_none() && tls.key.is_none());

        world.write("certs/cert.pem", "");
        world.write("certs/key.pem", "");
        let surroundings = Surroundings {
            host: Some("tcp://h".into()),
            tls: TlsWish::Verified,
            cert_path: Some(world.0.path().join("certs")),
            ..world.surroundings()
        };
        let tls = surroundings.choose().expect("host").tls.expect("tls");
        assert!(tls.ca.is_none() && tls.cert.is_some() && tls.key.is_some());
    }

    #[test]
    fn tls_without_verification_is_refused() {
        let world = World::new();
        world.store("loose", r#"{"Name":"loose","Endpoints":{"docker":{"Host":"tcp://h:2376","SkipTLSVerify":true}}}"#);
        let context = Surroundings { context: Some("loose".into()), ..world.surroundings() };
        let variable = Surroundings { host: Some("tcp://h:2376".into()), tls: TlsWish::Unverified, ..world.surroundings() };
        for surroundings in [context, variable] {
            assert!(matches!(surroundings.choose(), Err(ConnectError::TlsUnverified { .. })));
        }
    }
}
