//! Waits until a service is ready, the way the gates will reach it.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bollard::query_parameters::{InspectContainerOptions, LogsOptionsBuilder, WaitContainerOptions};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::docker::once::{self, OnceSpec};
use crate::docker::{Docker, LineCutter, said};
use crate::gauntlet::GauntletPlan;
use crate::gauntlet::command::argv;
use crate::gauntlet::container::labels;
use crate::model::{CommandLine, Ready};

/// How long a service may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// Time between two tries of a command.
const INTERVAL: Duration = Duration::from_millis(250);

/// Connects until somebody accepts, inside a container on the services' network: the only way that works on every engine, and the
/// one that gates go.
const CONNECT: &str = "import socket, sys, time\n\
while True:\n\
\x20   try:\n\
\x20       socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()\n\
\x20       break\n\
\x20   except OSError:\n\
\x20       time.sleep(0.05)\n";

/// Waits until the service is ready, ends, or takes too long; says what happened.
pub(super) async fn wait(
    docker: &Docker,
    plan: &GauntletPlan,
    network: &str,
    service: &str,
    container: &str,
    ready: &Ready,
) -> Result<(), String> {
    let stop = CancellationToken::new();
    let getting_ready = async {
        match ready {
            Ready::Port(port) => accepts(docker, plan, network, service, *port, &stop).await,
            Ready::Command(command) => unless(&stop, succeeds(docker, container, command)).await,
            Ready::Log(text) => unless(&stop, prints(docker, container, text)).await,
            Ready::Running => runs(docker, container).await,
        }
    };
    tokio::pin!(getting_ready);
    let failed = tokio::select! {
        outcome = &mut getting_ready => return outcome,
        reason = ends(docker, container) => reason,
        () = tokio::time::sleep(DEADLINE) => format!("it took longer than {} seconds", DEADLINE.as_secs()),
    };
    // The probe is a container as well, which is to be gone before the network is.
    stop.cancel();
    let _ = getting_ready.await;
    Err(failed)
}

async fn unless(stop: &CancellationToken, waiting: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    stop.run_until_cancelled(waiting).await.unwrap_or_else(|| Err("it was given up".to_owned()))
}

async fn accepts(
    docker: &Docker,
    plan: &GauntletPlan,
    network: &str,
    service: &str,
    port: u16,
    stop: &CancellationToken,
) -> Result<(), String> {
    let argv = [&plan.image.python, "-c", CONNECT, service, &port.to_string()].map(str::to_owned).to_vec();
    let mut spec = OnceSpec::new(service, plan.image.id.as_str(), argv);
    spec.networks = vec![network.to_owned()];
    spec.labels = labels(plan, "gate");
    spec.timeout = DEADLINE;
    let (unread, _) = mpsc::channel(1);
    let end = once::run(docker, &spec, &unread, stop).await.map_err(|error| error.to_string())?;
    match end.exit_code {
        0 => Ok(()),
        code => Err(format!("the probe of its port {port} ended with exit code {code}: {}", end.tail.join(" "))),
    }
}

async fn succeeds(docker: &Docker, container: &str, command: &CommandLine) -> Result<(), String> {
    loop {
        let config = ExecConfig { cmd: Some(argv(command)), attach_stdout: Some(true), ..ExecConfig::default() };
        let exec = docker.client.create_exec(container, config).await.map_err(|error| said(&error))?.id;
        let started = docker.client.start_exec(&exec, None).await.map_err(|error| said(&error))?;
        if let StartExecResults::Attached { mut output, .. } = started {
            while output.next().await.is_some() {}
        }
        let inspected = docker.client.inspect_exec(&exec).await.map_err(|error| said(&error))?;
        if inspected.exit_code == Some(0) {
            return Ok(());
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn prints(docker: &Docker, container: &str, text: &str) -> Result<(), String> {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(true).build();
    let mut output = docker.client.logs(container, Some(options));
    let [mut stdout, mut stderr] = [LineCutter::default(), LineCutter::default()];
    let mut found = false;
    while let Some(piece) = output.next().await {
        let piece = piece.map_err(|error| said(&error))?;
        let cutter = if matches!(piece, LogOutput::StdErr { .. }) { &mut stderr } else { &mut stdout };
        cutter.push(piece.as_ref(), |line| found |= line.contains(text));
        if found {
            return Ok(());
        }
    }
    Err(format!("it ended without printing `{text}`"))
}

async fn runs(docker: &Docker, container: &str) -> Result<(), String> {
    let state = docker.client.inspect_container(container, None::<InspectContainerOptions>).await;
    let running = state.map_err(|error| said(&error))?.state.and_then(|state| state.running).unwrap_or_default();
    if running { Ok(()) } else { Err("it does not run".to_owned()) }
}

/// Waits until the service has ended, which it should not.
async fn ends(docker: &Docker, container: &str) -> String {
    let mut waiting = docker.client.wait_container(container, None::<WaitContainerOptions>);
    let code = match waiting.next().await {
        Some(Ok(answer)) => answer.status_code,
        Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
        Some(Err(error)) => return said(&error),
        None => return "it is gone".to_owned(),
    };
    format!("it ended with exit code {code} before it was ready")
}
