//! Where the values of secrets come from: a variable of the process, the vault, a command of the configuration, in this order.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::EngineError;
use crate::mask::Secret;
use crate::model::{EnvironmentName, EnvironmentSettings, GauntletSettings, ProjectName, SecretNeed, SecretScope, SecretSource};
use crate::process::SECRET_VARIABLE;
use crate::vault::{Kept, VaultError, Vaults, run_command};

/// Secrets that something needs.
#[derive(Debug, Clone)]
pub struct Needs<'a> {
    /// The project, which names its vault.
    pub project: &'a ProjectName,
    /// Who needs them.
    pub scope: SecretScope,
    /// Their names.
    pub names: Vec<&'a str>,
    /// Commands of the configuration, by name.
    pub commands: BTreeMap<&'a str, &'a str>,
    /// The project's folder, where commands run.
    pub root: &'a Path,
}

impl<'a> Needs<'a> {
    /// Returns what an environment's configuration names.
    pub fn of_environment(
        project: &'a ProjectName,
        root: &'a Path,
        name: &EnvironmentName,
        environment: &'a EnvironmentSettings,
    ) -> Self {
        let names = environment.secrets.iter().map(String::as_str).collect();
        Self {
            project,
            scope: SecretScope::Environment(name.clone()),
            names,
            commands: words(&environment.secret_commands),
            root,
        }
    }

    /// Returns what gates that run ask for.
    pub fn of_gauntlet(project: &'a ProjectName, root: &'a Path, gauntlet: &'a GauntletSettings) -> Self {
        let gates = gauntlet.gates.iter().filter(|gate| gate.run.is_some());
        let names: std::collections::BTreeSet<&str> = gates.clone().flat_map(|gate| &gate.secrets).map(String::as_str).collect();
        let commands = gates.flat_map(|gate| words(&gate.secret_commands)).collect();
        Self { project, scope: SecretScope::Gauntlet, names: names.into_iter().collect(), commands, root }
    }

    fn command(&self, name: &str) -> Option<&'a str> {
        self.commands.get(name).copied()
    }
}

fn words(commands: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    commands.iter().map(|(name, command)| (name.as_str(), command.as_str())).collect()
}

/// Tells where each value would come from. Opens a vault only when nothing is remembered of it.
///
/// # Errors
/// When the home's memory cannot be read. A vault that does not open has nothing, and says why beside.
pub async fn sources(vaults: &Vaults, needs: &Needs<'_>) -> Result<(Vec<SecretNeed>, Option<VaultError>), EngineError> {
    let mut closed = None;
    let mut kept = None;
    let mut found = Vec::new();
    for name in &needs.names {
        let source = if variable(name).is_some() {
            SecretSource::Variable
        } else {
            if kept.is_none() {
                let (entries, why) = remembered(vaults, needs.project).await?;
                closed = why;
                kept = Some(entries);
            }
            let of = |scope: &SecretScope| {
                kept.iter().flatten().find(|entry| entry.scope == *scope && entry.name == **name).map(|entry| entry.source)
            };
            let configured = needs.command(name).map(|_| SecretSource::Configuration);
            of(&needs.scope).or_else(|| of(&SecretScope::Every)).or(configured).unwrap_or(SecretSource::Missing)
        };
        found.push(SecretNeed { name: (*name).to_owned(), scope: needs.scope.clone(), source });
    }
    Ok((found, closed))
}

async fn remembered(
    vaults: &Vaults,
    project: &ProjectName,
) -> Result<(Vec<crate::model::SecretEntry>, Option<VaultError>), EngineError> {
    if let Some(entries) = vaults.outline(project.as_str())? {
        return Ok((entries, None));
    }
    let closed = vaults.find(project.as_str(), &SecretScope::Every, "").await.err();
    Ok((vaults.outline(project.as_str())?.unwrap_or_default(), closed))
}

/// Refuses what lacks a value, before anything is started.
///
/// # Errors
/// When one has none: all are named, each with the command that sets it.
pub async fn require(vaults: &Vaults, needs: &[Needs<'_>]) -> Result<(), EngineError> {
    let mut missing = Vec::new();
    let mut why = None;
    for needs in needs {
        let (found, closed) = sources(vaults, needs).await?;
        missing.extend(found.into_iter().filter(|need| need.source == SecretSource::Missing));
        why = why.or(closed);
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(lacking(&missing, why)),
    }
}

/// Finds the values.
///
/// # Errors
/// When one has none, the vault that keeps it does not open, or a command fails.
pub async fn values(vaults: &Vaults, needs: &Needs<'_>) -> Result<BTreeMap<String, Secret>, EngineError> {
    require(vaults, std::slice::from_ref(needs)).await?;
    let (sources, _) = sources(vaults, needs).await?;
    let mut found = BTreeMap::new();
    let mut missing = Vec::new();
    for need in sources {
        let name = need.name.as_str();
        let configured = needs.command(name);
        let value = match need.source {
            SecretSource::Variable => variable(name),
            SecretSource::Missing => None,
            SecretSource::Configuration => run(name, configured, needs.root).await?,
            SecretSource::Value | SecretSource::Command => match vaults.find(needs.project.as_str(), &needs.scope, name).await? {
                Some(Kept::Value(value)) => Some(value),
                Some(Kept::Command(command)) => run(name, Some(&command), needs.root).await?,
                // It went from the vault since it was looked into.
                None => run(name, configured, needs.root).await?,
            },
        };
        match value {
            Some(value) => drop(found.insert(name.to_owned(), value)),
            None => missing.push(SecretNeed { source: SecretSource::Missing, ..need }),
        }
    }
    match missing.is_empty() {
        true => Ok(found),
        false => Err(lacking(&missing, None)),
    }
}

async fn run(name: &str, command: Option<&str>, root: &Path) -> Result<Option<Secret>, EngineError> {
    match command {
        Some(command) => Ok(Some(run_command(name, command, root).await?)),
        None => Ok(None),
    }
}

/// The value that a variable of this process gives, as in CI.
fn variable(name: &str) -> Option<Secret> {
    std::env::var(format!("{SECRET_VARIABLE}{name}")).ok().map(Secret::new)
}

fn lacking(missing: &[SecretNeed], closed: Option<VaultError>) -> EngineError {
    let mut scopes: Vec<&SecretScope> = missing.iter().map(|need| &need.scope).collect();
    scopes.dedup();
    let sentence = |scope: &SecretScope| {
        let names: Vec<&str> = missing.iter().filter(|need| need.scope == *scope).map(|need| need.name.as_str()).collect();
        let (noun, verb) = if names.len() == 1 { ("secret", "has") } else { ("secrets", "have") };
        format!("{} needs the {noun} {}, which {verb} no value", scope.title(), names.join(", "))
    };
    let message = scopes.into_iter().map(sentence).collect::<Vec<_>>().join("; ");
    let commands = missing.iter().map(|need| format!("`nonevent secret set {} {}`", need.name, need.scope.option()));
    let first = missing.first().map(|need| need.name.as_str()).unwrap_or_default();
    let mut error = EngineError::user("secret_missing", message)
        .with_hint(format!("run {}", commands.collect::<Vec<_>>().join(", ")))
        .with_hint(format!("in CI, give each as a variable of this process, such as {SECRET_VARIABLE}{first}"));
    if let Some(closed) = closed {
        error = error.with_cause(closed.to_string()).with_hints(closed.hints());
    }
    error
}
