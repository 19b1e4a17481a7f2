//! Waits until a service is ready, the way the gates will reach it, and remembers what the last try said.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bollard::query_parameters::{InspectContainerOptions, LogsOptionsBuilder, WaitContainerOptions};
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::docker::once::{self, OnceSpec};
use crate::docker::{Docker, LineCutter, said};
use crate::gauntlet::GauntletPlan;
use crate::gauntlet::command::typed;
use crate::gauntlet::container::labels;
use crate::gauntlet::in_words;
use crate::model::{CommandLine, Ready, ServiceSettings};

/// Time between two tries of a command.
const INTERVAL: Duration = Duration::from_millis(250);

/// Time that one try of a command may take.
const TRY: Duration = Duration::from_secs(30);

/// Time in which a probe says its first word, on an engine with much to do.
const FIRST_TRY: Duration = Duration::from_secs(60);

/// Time that the usual port of an image has to open once its health check has passed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects, or asks for a path, until it succeeds, inside a container on the services' network: the only way that works on every
/// engine, and the one that gates go. Prints what it meets when that changes.
const PROBE: &str = "import http.client, socket, sys, time\n\
host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]\n\
said = None\n\
while True:\n\
\x20   try:\n\
\x20       if not path:\n\
\x20           socket.create_connection((host, port), 2).close()\n\
\x20           break\n\
\x20       connection = http.client.HTTPConnection(host, port, timeout=5)\n\
\x20       connection.request('GET', path)\n\
\x20       answer = connection.getresponse()\n\
\x20       if 200 <= answer.status < 300:\n\
\x20           break\n\
\x20       found = 'it answered %d %s' % (answer.status, answer.reason)\n\
\x20   except Exception as error:\n\
\x20       found = str(error) or type(error).__name__\n\
\x20   if found != said:\n\
\x20       print(found, flush=True)\n\
\x20       said = found\n\
\x20   time.sleep(0.05)\n";

/// A service that was started, and where it is.
pub(super) struct Waiting<'a> {
    pub(super) docker: &'a Docker,
    pub(super) plan: &'a GauntletPlan,
    pub(super) network: &'a str,
    pub(super) service: &'a str,
    pub(super) container: &'a str,
    pub(super) settings: &'a ServiceSettings,
    /// The health check that its image comes with.
    pub(super) own_check: Option<CommandLine>,
}

/// What the last try of which probe said.
type Said = watch::Sender<Option<String>>;

impl Waiting<'_> {
    /// Waits until the service is ready, ends, or takes too long; says what happened.
    pub(super) async fn wait(&self) -> Result<(), String> {
        let stop = CancellationToken::new();
        let said = Said::default();
        let getting_ready = self.through(&stop, &said);
        tokio::pin!(getting_ready);
        let failed = tokio::select! {
            outcome = &mut getting_ready => return outcome,
            reason = self.ends() => reason,
            () = self.too_long(&said) => format!("it was not ready within {}", in_words(self.settings.within)),
        };
        // The probe is a container as well, which is to be gone before the network is.
        stop.cancel();
        let _ = getting_ready.await;
        let last = said.borrow().as_ref().map(|last| format!("; {last}")).unwrap_or_default();
        Err(format!("{failed}{last}"))
    }

    /// Waits until its time is over, and until it was asked at least once: a busy engine is not the service's fault.
    async fn too_long(&self, said: &Said) {
        tokio::time::sleep(self.settings.within).await;
        let _ = tokio::time::timeout(FIRST_TRY, said.subscribe().wait_for(Option::is_some)).await;
    }

    /// Goes through everything that makes it ready, one after the other.
    async fn through(&self, stop: &CancellationToken, told: &Said) -> Result<(), String> {
        match &self.settings.ready {
            Ready::Port(port) => self.answers(*port, "", stop, told).await?,
            Ready::Http { port, path } => self.answers(*port, path, stop, told).await?,
            Ready::Command(command) => unless(stop, self.succeeds(command, told)).await?,
            Ready::Log(text) => unless(stop, self.prints(text, told)).await?,
            Ready::Completed => unless(stop, self.completes(told)).await?,
            Ready::Running => match &self.own_check {
                Some(check) => unless(stop, self.succeeds(check, told)).await?,
                None => self.runs().await?,
            },
        }
        let Some(port) = self.settings.container.port else { return Ok(()) };
        // Where it listens elsewhere, its own check has the last word.
        let enough = stop.child_token();
        let answering = self.answers(port, "", &enough, told);
        tokio::pin!(answering);
        tokio::select! {
            opened = &mut answering => opened,
            () = tokio::time::sleep(PATIENCE) => {
                enough.cancel();
                let _ = answering.await;
                Ok(())
            }
        }
    }

    async fn answers(&self, port: u16, path: &str, stop: &CancellationToken, told: &Said) -> Result<(), String> {
        let image = &self.plan.image;
        let argv = [&image.python, "-c", PROBE, self.service, &port.to_string(), path].map(str::to_owned).to_vec();
        let mut spec = OnceSpec::new(self.service, image.id.as_str(), argv);
        spec.networks = vec![self.network.to_owned()];
        spec.labels = labels(self.plan, "gate");
        spec.timeout = self.settings.within + 2 * FIRST_TRY;
        let asked = if path.is_empty() { format!("port {port}") } else { format!("`GET {path}` on port {port}") };
        let (sender, mut printed) = mpsc::channel(16);
        let probing = async {
            let sender = sender;
            once::run(self.docker, &spec, &sender, stop).await
        };
        let listening = async {
            while let Some(line) = printed.recv().await {
                tell(told, format!("its {asked} said: {}", line.text));
            }
        };
        let (end, ()) = tokio::join!(probing, listening);
        let end = end.map_err(|error| error.to_string())?;
        match end.exit_code {
            0 => Ok(()),
            code => Err(format!("the probe of its {asked} ended with exit code {code}: {}", end.tail.join(" "))),
        }
    }

    async fn succeeds(&self, command: &CommandLine, told: &Said) -> Result<(), String> {
        loop {
            match tokio::time::timeout(TRY, self.try_once(command)).await {
                Ok(Ok((0, _))) => return Ok(()),
                Ok(Ok((code, last))) => {
                    let last = last.map(|line| format!(": {line}")).unwrap_or_default();
                    tell(told, format!("`{}` ended with exit code {code}{last}", typed(command)));
                }
                Ok(Err(reason)) => return Err(reason),
                Err(_) => tell(told, format!("`{}` did not end within {} seconds", typed(command), TRY.as_secs())),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Runs a command inside the service; returns its exit code and its last line.
    async fn try_once(&self, command: &CommandLine) -> Result<(i64, Option<String>), String> {
        let client = &self.docker.client;
        let config = ExecConfig {
            cmd: Some(command.argv()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let exec = client.create_exec(self.container, config).await.map_err(|error| said(&error))?.id;
        let started = client.start_exec(&exec, None).await.map_err(|error| said(&error))?;
        let (mut cutter, mut last) = (LineCutter::default(), None);
        if let StartExecResults::Attached { mut output, .. } = started {
            let mut keep = |line: String| {
                if !line.trim().is_empty() {
                    last = Some(line.trim().to_owned());
                }
            };
            while let Some(Ok(piece)) = output.next().await {
                cutter.push(piece.as_ref(), &mut keep);
            }
            cutter.finish().into_iter().for_each(keep);
        }
        let inspected = client.inspect_exec(&exec).await.map_err(|error| said(&error))?;
        Ok((inspected.exit_code.unwrap_or(-1), last))
    }

    async fn prints(&self, text: &str, told: &Said) -> Result<(), String> {
        tell(told, format!("no line of its output holds `{text}`"));
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(true).build();
        let mut output = self.docker.client.logs(self.container, Some(options));
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

    async fn completes(&self, told: &Said) -> Result<(), String> {
        tell(told, "it was to do its work and end".to_owned());
        match self.exit_code().await? {
            0 => Ok(()),
            code => Err(format!("it was to do its work, and ended with exit code {code}")),
        }
    }

    async fn runs(&self) -> Result<(), String> {
        let state = self.docker.client.inspect_container(self.container, None::<InspectContainerOptions>).await;
        let running = state.map_err(|error| said(&error))?.state.and_then(|state| state.running).unwrap_or_default();
        if running { Ok(()) } else { Err("it does not run".to_owned()) }
    }

    /// Waits until the service has ended, which most should not.
    async fn ends(&self) -> String {
        if self.settings.ready == Ready::Completed {
            return std::future::pending().await;
        }
        match self.exit_code().await {
            Ok(code) => format!("it ended with exit code {code} before it was ready"),
            Err(reason) => reason,
        }
    }

    async fn exit_code(&self) -> Result<i64, String> {
        let mut waiting = self.docker.client.wait_container(self.container, None::<WaitContainerOptions>);
        match waiting.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(said(&error)),
            None => Err("it is gone".to_owned()),
        }
    }
}

fn tell(told: &Said, words: String) {
    told.send_replace(Some(words));
}

async fn unless(stop: &CancellationToken, waiting: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    stop.run_until_cancelled(waiting).await.unwrap_or_else(|| Err("it was given up".to_owned()))
}
