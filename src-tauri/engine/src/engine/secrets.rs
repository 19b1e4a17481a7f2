//! Secrets of a project, and logins of registries: kept, told of, never shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::{Engine, environment, place};
use crate::docker::{Docker, KeptLogins, Login, login_server};
use crate::error::EngineError;
use crate::image::http::Http;
use crate::image::{RegistryError, check_login};
use crate::mask::Secret;
use crate::model::{OldValue, SecretEntry, SecretReport, SecretScope, SecretSource, VaultStatus};
use crate::pipeline::placement::keyed_hash;
use crate::pipeline::secrets::{Needs, require, sources, values};
use crate::project::Project;
use crate::vault::{Asker, Choice, Kept, VaultError, Vaults};

/// The vault of logins; no project is called so.
const LOGINS: &str = "[logins]";

impl Engine {
    /// Names somebody who can be asked for the passphrase of the vault file.
    pub fn ask_passphrase_with(&self, asker: Asker) {
        self.vaults.ask_with(asker);
    }

    /// Keeps a secret of a project; returns its version. What runs keeps its value until its next rollout.
    ///
    /// # Errors
    /// When the value is empty or cannot be one, the project cannot be read, has no such environment, or the vault does not open.
    pub async fn set_secret(&self, folder: &Path, scope: &SecretScope, name: &str, kept: Kept) -> Result<u32, EngineError> {
        let project = self.open_project(folder)?;
        check(&project, scope, name)?;
        if let Kept::Value(value) = &kept {
            worth_keeping(value)?;
        }
        Ok(self.vaults.set(project.settings.app.name.as_str(), scope, name, kept).await?)
    }

    /// Forgets a secret of a project. What runs keeps its value.
    ///
    /// # Errors
    /// When the project cannot be read, the vault does not open, or it keeps no such secret.
    pub async fn unset_secret(&self, folder: &Path, scope: &SecretScope, name: &str) -> Result<(), EngineError> {
        let project = self.open_project(folder)?;
        let vault = project.settings.app.name.as_str();
        if self.vaults.unset(vault, scope, name).await? {
            return Ok(());
        }
        let message = format!("no secret {name} is kept for {}", scope.title());
        Err(EngineError::user("secret_unknown", message).with_hint("`nonevent secret list` lists them"))
    }

    /// Tells where secrets are kept, which, and which are needed; no value.
    ///
    /// # Errors
    /// When the project cannot be read. A vault that does not open is told.
    pub async fn secrets(&self, folder: &Path) -> Result<SecretReport, EngineError> {
        let project = self.open_project(folder)?;
        let vault = self.vaults.status(project.settings.app.name.as_str()).await?;
        let kept = self.vaults.outline(project.settings.app.name.as_str())?.unwrap_or_default();
        let mut needed = Vec::new();
        for needs in needs(&project) {
            needed.extend(sources(&self.vaults, &needs).await?.0);
        }
        Ok(SecretReport { vault, kept, needed })
    }

    /// Tells where this home keeps secrets and logins, and whether that opens.
    ///
    /// # Errors
    /// When the home's memory cannot be read. A vault that does not open is told.
    pub async fn vault(&self) -> Result<VaultStatus, EngineError> {
        Ok(self.vaults.status(LOGINS).await?)
    }

    /// Returns a secret's value: only for a person who asked to see it.
    ///
    /// # Errors
    /// When it has none, or the vault does not open.
    pub async fn reveal_secret(&self, folder: &Path, scope: &SecretScope, name: &str) -> Result<Secret, EngineError> {
        let project = self.open_project(folder)?;
        check(&project, scope, name)?;
        let (app, root) = (&project.settings.app.name, project.root.as_path());
        let mut wanted = match scope {
            SecretScope::Environment(place) => Needs::of_environment(app, root, place, environment(&project, place)?.1),
            _ => Needs::of_gauntlet(app, root, &project.settings.gauntlet),
        };
        (wanted.scope, wanted.names) = (scope.clone(), vec![name]);
        let found = values(&self.vaults, &wanted).await?;
        found.into_values().next().ok_or_else(|| EngineError::user("secret_missing", format!("{name} has no value")))
    }

    /// Finds the environments that need a secret and run with another value than they would get now.
    ///
    /// # Errors
    /// When the project cannot be read, or a value cannot be found.
    pub async fn old_values(&self, folder: &Path, scope: &SecretScope, name: &str) -> Result<Vec<OldValue>, EngineError> {
        let project = self.open_project(folder)?;
        let key = self.store.hash_key()?;
        let docker = Docker::connect().await;
        let mut old = Vec::new();
        for (at, settings) in &project.settings.environments {
            let meant = matches!(scope, SecretScope::Every) || *scope == SecretScope::Environment(at.clone());
            if !meant || !settings.secrets.iter().any(|secret| secret == name) {
                continue;
            }
            let mut wanted = Needs::of_environment(&project.settings.app.name, &project.root, at, settings);
            wanted.names.retain(|secret| *secret == name);
            let now = values(&self.vaults, &wanted).await?;
            let observed = match &docker {
                Ok(docker) => match self.target(docker, &project, settings) {
                    Ok(target) => target.observe(&place(&project, at)).await.map_err(EngineError::from),
                    Err(error) => Err(error),
                },
                Err(error) => Err(EngineError::user("engine_unreachable", error.to_string())),
            };
            match observed {
                Err(error) => old.push(OldValue { environment: at.clone(), unknown: Some(error.problem.message.clone()) }),
                Ok(observed) => {
                    let runs = observed.serving.as_ref().map(|side| side.record.placement.secrets.get(name));
                    let fresh = now.get(name).map(|value| keyed_hash(&key, value));
                    if runs.is_some_and(|runs| runs != fresh.as_ref()) {
                        old.push(OldValue { environment: at.clone(), unknown: None });
                    }
                }
            }
        }
        Ok(old)
    }

    /// Keeps secrets in the keychain or in an encrypted file from now on, and brings over what was kept elsewhere.
    ///
    /// # Errors
    /// When one of the two does not open; then everything is where it was.
    pub async fn choose_vault(&self, choice: Choice) -> Result<(), EngineError> {
        Ok(self.vaults.choose(choice).await?)
    }

    /// Returns the file that secrets are kept in where a file was chosen.
    pub fn vault_file(&self) -> PathBuf {
        self.vaults.file()
    }

    /// Keeps the login of a registry, once the registry took it.
    ///
    /// # Errors
    /// When the registry refuses it or does not answer, or the vault does not open; then nothing is kept.
    pub async fn keep_login(&self, registry: &str, login: &Login) -> Result<(), EngineError> {
        worth_keeping(&Secret::new(login.password.as_str()))?;
        let http = Http::new(None).map_err(|error| EngineError::ours(error.to_string()))?;
        check_login(&http, &login_server(registry), login).await.map_err(|error| {
            let (code, hint) = match &error {
                RegistryError::LoginRefused { .. } => ("login_refused", error.hint()),
                RegistryError::Unreachable { .. } => (
                    "login_unchecked",
                    Some("see that the name is right, and that the registry can be reached from here".to_owned()),
                ),
                _ => ("login_unchecked", error.hint()),
            };
            EngineError::user(code, format!("{error}; nothing was kept")).with_hints(hint)
        })?;
        let text = serde_json::json!({ "username": login.username, "password": login.password }).to_string();
        self.vaults.set(LOGINS, &SecretScope::Every, &login_server(registry), Kept::Value(Secret::new(text))).await?;
        Ok(())
    }

    /// Lists the registries whose login is kept; from memory, nothing is opened.
    ///
    /// # Errors
    /// When the home's memory cannot be read.
    pub fn kept_logins(&self) -> Result<Vec<SecretEntry>, EngineError> {
        Ok(self.vaults.outline(LOGINS)?.unwrap_or_default())
    }

    /// Forgets the login of a registry.
    ///
    /// # Errors
    /// When none is kept, or the vault does not open.
    pub async fn forget_login(&self, registry: &str) -> Result<(), EngineError> {
        if self.vaults.unset(LOGINS, &SecretScope::Every, &login_server(registry)).await? {
            return Ok(());
        }
        Err(EngineError::user("login_unknown", format!("no login of `{registry}` is kept here"))
            .with_hint("`nonevent credential list` lists them; `docker logout` forgets one of the docker CLI"))
    }

    /// Names what an environment lacks, as far as memory tells; what cannot be told lacks nothing.
    pub(super) async fn lacking(&self, project: &Project, name: &crate::model::EnvironmentName) -> Vec<String> {
        let Ok((_, settings)) = environment(project, name) else { return Vec::new() };
        let needs = Needs::of_environment(&project.settings.app.name, &project.root, name, settings);
        match sources(&self.vaults, &needs).await {
            Ok((found, _)) => {
                found.into_iter().filter(|need| need.source == SecretSource::Missing).map(|need| need.name).collect()
            }
            Err(error) => {
                tracing::warn!(%error, "what an environment lacks is not known");
                Vec::new()
            }
        }
    }

    /// Refuses a rollout whose environment lacks a value, before anything is started.
    pub(super) async fn require_secrets(
        &self,
        project: &Project,
        name: &crate::model::EnvironmentName,
        gates: bool,
    ) -> Result<(), EngineError> {
        let (_, settings) = environment(project, name)?;
        let (app, root) = (&project.settings.app.name, project.root.as_path());
        let mut all = vec![Needs::of_environment(app, root, name, settings)];
        all.extend(gates.then(|| Needs::of_gauntlet(app, root, &project.settings.gauntlet)));
        require(&self.vaults, &all).await
    }
}

/// What every environment and the gauntlet of a project need.
fn needs(project: &Project) -> Vec<Needs<'_>> {
    let (app, root) = (&project.settings.app.name, project.root.as_path());
    let environments = project.settings.environments.iter();
    let mut all: Vec<Needs<'_>> = environments.map(|(name, settings)| Needs::of_environment(app, root, name, settings)).collect();
    all.push(Needs::of_gauntlet(app, root, &project.settings.gauntlet));
    all
}

fn worth_keeping(value: &Secret) -> Result<(), EngineError> {
    match value.reveal() {
        "" => Err(EngineError::user("secret_empty", "the value is empty; nothing was kept")
            .with_hint("type it, pipe it in, or give a command that prints it with `--command`")),
        text if text.contains('\0') => {
            Err(EngineError::user("secret_value", "no variable can hold a NUL character; nothing was kept"))
        }
        _ => Ok(()),
    }
}

fn check(project: &Project, scope: &SecretScope, name: &str) -> Result<(), EngineError> {
    if let SecretScope::Environment(at) = scope {
        environment(project, at)?;
    }
    match crate::project::is_variable(name) && name != "PORT" {
        true => Ok(()),
        false => Err(EngineError::user("secret_name", format!("`{name}` cannot be the name of a secret"))
            .with_hint("it is the variable that holds it, such as `DATABASE_URL`")),
    }
}

/// Logins that a home keeps, for whoever found none of the docker CLI's.
pub(super) struct HomeLogins(pub Vaults);

#[async_trait]
impl KeptLogins for HomeLogins {
    async fn login(&self, registry: &str) -> Result<Option<Login>, String> {
        let server = login_server(registry);
        let told = |error: VaultError| error.to_string();
        // Who keeps none is never asked to open anything.
        if !self.0.outline(LOGINS).map_err(told)?.unwrap_or_default().iter().any(|entry| entry.name == server) {
            return Ok(None);
        }
        let Some(Kept::Value(text)) = self.0.find(LOGINS, &SecretScope::Every, &server).await.map_err(told)? else {
            return Ok(None);
        };
        Ok(serde_json::from_str(text.reveal()).ok())
    }
}

/// Makes the logins of a home known to whatever speaks to registries in this process.
pub(super) fn offer_logins(vaults: &Vaults) {
    crate::docker::offer_logins(Arc::new(HomeLogins(vaults.clone())));
}
