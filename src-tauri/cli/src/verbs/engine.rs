//! `nonevent engine`

use nonevent_engine::model::{EngineInfo, EngineOrigin, StoreKind};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::Session;
use crate::words::{bytes, counted};

/// Show which Docker engine is used, why that one, and what it is
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent engine", "chosen as the docker command chooses"),
    ("DOCKER_CONTEXT=colima nonevent engine", "another one"),
]))]
pub struct Args {}

/// Shows the engine.
///
/// # Errors
/// When none answers.
pub async fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let info = session.engine()?.docker().await?;
    session.answer("engine", json!({ "engine": info }), |_| text(&info));
    Ok(Exit::Done)
}

/// Returns what is known about the engine, one fact a line.
pub fn text(info: &EngineInfo) -> String {
    let kind = match info.podman {
        true => "Podman",
        false => "Docker",
    };
    let store = match info.store {
        StoreKind::Classic => "classic",
        StoreKind::Containerd => "containerd",
    };
    let cores = counted(usize::try_from(info.cpus).unwrap_or(usize::MAX), "core");
    let mut facts = vec![
        ("engine", format!("{kind} {}, API {}", info.version, info.api)),
        ("address", info.host.clone()),
        ("chosen by", reason(&info.origin)),
        ("platform", info.platform.clone()),
        ("has", format!("{cores}, {} of memory", bytes(info.memory))),
        ("image store", store.to_owned()),
    ];
    if !info.mirrors.is_empty() {
        facts.push(("mirrors", info.mirrors.join(", ")));
    }
    facts.into_iter().map(|(name, value)| format!("{name:<11}  {value}")).collect::<Vec<_>>().join("\n")
}

fn reason(origin: &EngineOrigin) -> String {
    match origin {
        EngineOrigin::DockerHost => "`DOCKER_HOST`".into(),
        EngineOrigin::DockerContext { name } => format!("`DOCKER_CONTEXT`, which names the context `{name}`"),
        EngineOrigin::CurrentContext { name } => format!("the docker command's current context, `{name}`"),
        EngineOrigin::DefaultSocket => "nothing else being named, the platform's default".into(),
    }
}
