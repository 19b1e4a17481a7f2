//! Measuring health: over HTTP through the proxy's preview, as requests go; a port from beside the proxy; a command inside.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{HOST, LOCATION};
use reqwest::redirect::Policy;

use super::DockerTarget;
use super::lock::label_of;
use crate::model::{HealthCheck, HealthProbe, Instance, InstanceState, ProbeAttempt, ProbeOutcome};
use crate::target::proxy::{INSTANCE_HEADER, REASON_HEADER};
use crate::target::{Place, TargetError};

/// Bytes of a body that are shown.
const EXCERPT: usize = 600;

/// Makes the client of probes: no redirects (they are answers), no proxy of the user's, no connection kept.
pub(super) fn client() -> Result<reqwest::Client, TargetError> {
    let refused = |reason: String| TargetError::Refused { operation: "make an HTTP client".to_owned(), reason };
    // Probes speak plain HTTP; the library wants to know about TLS all the same.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(error.to_string()))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).http1_only();
    client.tls_backend_preconfigured(tls).build().map_err(|error| refused(error.to_string()))
}

impl DockerTarget {
    pub(super) async fn probe_instance(
        &self,
        place: &Place,
        instance: &Instance,
        check: &HealthCheck,
        domain: &str,
    ) -> Result<ProbeAttempt, TargetError> {
        let began = Instant::now();
        let at = Timestamp::now().to_string();
        let container = self.api.inspect(instance.id.as_str()).await?;
        let seen = container.as_ref().and_then(super::instance::instance);
        let port: Option<u16> = container
            .as_ref()
            .and_then(|container| label_of(container, super::scope::label::PORT))
            .and_then(|text| text.parse().ok());
        let reachable = seen.as_ref().and_then(|seen| seen.address.clone()).zip(port);
        let (probe, measured) = match (&check.probe, reachable) {
            (HealthProbe::Http { path }, Some((address, port))) => {
                let probe = format!("GET {path} (Host: {domain})");
                match unfit(seen.as_ref()) {
                    Some(outcome) => (probe, outcome),
                    None => (probe, self.probe_http(path, domain, &format!("{address}:{port}"), check.timeout).await?),
                }
            }
            (HealthProbe::Tcp, Some((address, port))) => {
                let probe = format!("connect to port {port}");
                match unfit(seen.as_ref()) {
                    Some(outcome) => (probe, outcome),
                    None => (probe, self.probe_tcp(&address, port, check.timeout).await?),
                }
            }
            (HealthProbe::Command(command), _) => {
                let probe = format!("run `{}`", command.argv().join(" "));
                match unfit(seen.as_ref()) {
                    Some(outcome) => (probe, outcome),
                    None => (probe, self.probe_command(instance.id.as_str(), command.argv(), check.timeout).await?),
                }
            }
            // An instance without a port cannot be asked more than whether it runs.
            (HealthProbe::Running | HealthProbe::Http { .. } | HealthProbe::Tcp, _) => {
                let outcome = unfit(seen.as_ref()).unwrap_or_else(|| running(seen.as_ref()));
                ("is the container running".to_owned(), outcome)
            }
        };
        tracing::debug!(%place, instance = instance.name, %probe, passed = measured.passed(), "an instance was probed");
        Ok(ProbeAttempt {
            instance: instance.name.clone(),
            probe,
            at,
            elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome: with_restarts(measured, seen.as_ref()),
        })
    }

    async fn probe_http(&self, path: &str, domain: &str, target: &str, timeout: Duration) -> Result<ProbeOutcome, TargetError> {
        let refused = |reason: String| TargetError::Refused { operation: "probe through the proxy".to_owned(), reason };
        let ground = self.ground().await?.filter(|ground| ground.running);
        let ground = ground.ok_or_else(|| refused("it does not run".to_owned()))?;
        let url = format!("http://127.0.0.1:{}{path}", ground.ports.preview);
        let request = self.http.get(url).header(HOST, domain).header(INSTANCE_HEADER, target).timeout(timeout);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_timeout() => return Ok(no_answer(timeout)),
            Err(error) if error.is_connect() => return Err(refused(innermost(&error))),
            Err(error) => return Ok(ProbeOutcome::Failed { error: innermost(&error) }),
        };
        if let Some(reason) = answer.headers().get(REASON_HEADER).and_then(|value| value.to_str().ok()) {
            return Ok(ProbeOutcome::Failed { error: because(reason).to_owned() });
        }
        let status = answer.status();
        // Where a redirect leads says more than its body.
        let leads = answer.headers().get(LOCATION).filter(|_| status.is_redirection()).and_then(|value| value.to_str().ok());
        let leads = leads.map(|to| format!("to {to}"));
        let body = match answer.text().await {
            Ok(body) => body,
            Err(error) if error.is_timeout() => return Ok(no_answer(timeout)),
            Err(error) => return Ok(ProbeOutcome::Failed { error: innermost(&error) }),
        };
        let saw = status.as_u16().to_string();
        Ok(match status.is_success() {
            true => ProbeOutcome::Passed { saw },
            false => ProbeOutcome::Answered { saw, excerpt: leads.unwrap_or(body).chars().take(EXCERPT).collect() },
        })
    }

    async fn probe_tcp(&self, address: &str, port: u16, timeout: Duration) -> Result<ProbeOutcome, TargetError> {
        let Some(ground) = self.ground().await?.filter(|ground| ground.running) else {
            return Err(TargetError::Refused {
                operation: "probe from beside the proxy".to_owned(),
                reason: "it does not run".to_owned(),
            });
        };
        let seconds = timeout.as_secs_f64().max(0.1).to_string();
        let script = format!("exec 3<>/dev/tcp/{address}/{port}");
        let command = ["timeout", &seconds, "bash", "-c", &script].map(str::to_owned).to_vec();
        let printed = self.api.run(&ground.container, command, Vec::new()).await?;
        /// How `timeout` says that time was up.
        const TIME_UP: i64 = 124;
        Ok(match printed.exit_code {
            0 => ProbeOutcome::Passed { saw: format!("port {port} is open") },
            TIME_UP => no_answer(timeout),
            _ if printed.errors.contains("refused") => ProbeOutcome::Failed { error: "connection refused".to_owned() },
            _ => ProbeOutcome::Failed { error: printed.errors.trim().to_owned() },
        })
    }

    async fn probe_command(&self, id: &str, argv: Vec<String>, timeout: Duration) -> Result<ProbeOutcome, TargetError> {
        let printed = match tokio::time::timeout(timeout, self.api.run_as(id, argv, Vec::new(), None)).await {
            Err(_) => return Ok(no_answer(timeout)),
            Ok(Err(error @ TargetError::Unreachable { .. })) => return Err(error),
            Ok(Err(error)) => return Ok(ProbeOutcome::Failed { error: error.to_string() }),
            Ok(Ok(printed)) => printed,
        };
        let saw = format!("exit code {}", printed.exit_code);
        Ok(match printed.exit_code {
            0 => ProbeOutcome::Passed { saw },
            _ => {
                let text = format!("{}{}", printed.output, printed.errors);
                ProbeOutcome::Answered { saw, excerpt: text.chars().take(EXCERPT).collect() }
            }
        })
    }
}

/// Says why an instance that does not run cannot be healthy.
fn unfit(seen: Option<&Instance>) -> Option<ProbeOutcome> {
    let error = match seen.map(|seen| &seen.state) {
        Some(InstanceState::Running) => return None,
        None => "the container is gone".to_owned(),
        Some(InstanceState::Created) => "the container was not started".to_owned(),
        Some(InstanceState::Exited { oom: true, .. }) => "the kernel ended it for want of memory".to_owned(),
        Some(InstanceState::Exited { exit_code, .. } | InstanceState::Restarting { exit_code }) => {
            format!("it ended with exit code {exit_code}")
        }
    };
    Some(ProbeOutcome::Failed { error })
}

fn running(seen: Option<&Instance>) -> ProbeOutcome {
    match seen.map_or(0, |seen| seen.restarts) {
        0 => ProbeOutcome::Passed { saw: "it runs".to_owned() },
        _ => ProbeOutcome::Failed { error: "it does not stay up".to_owned() },
    }
}

/// Adds to a failure that the engine had to restart the instance.
fn with_restarts(outcome: ProbeOutcome, seen: Option<&Instance>) -> ProbeOutcome {
    match (outcome, seen.map_or(0, |seen| seen.restarts)) {
        (ProbeOutcome::Failed { error }, restarts @ 1..) => {
            let times = if restarts == 1 { "once".to_owned() } else { format!("{restarts} times") };
            ProbeOutcome::Failed { error: format!("{error}, and was restarted {times}") }
        }
        (outcome, _) => outcome,
    }
}

fn no_answer(timeout: Duration) -> ProbeOutcome {
    ProbeOutcome::Failed { error: format!("no answer within {} s", timeout.as_secs_f64()) }
}

/// Reads HAProxy's termination state (configuration manual, 8.5): who ended a session, and in which phase.
fn because(state: &str) -> &'static str {
    match state {
        "SC" => "connection refused",
        "sC" => "no connection within 2 s",
        "SH" => "the connection was closed before an answer",
        "sH" => "no answer",
        "PH" => "the answer was no valid HTTP",
        _ => "no answer that the proxy understands",
    }
}

fn innermost(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_about_restarts() {
        let mut seen = Instance {
            id: "i".into(),
            name: "shop-local-web-1".into(),
            process: "web".into(),
            release: "r".into(),
            rollout: "o".into(),
            address: None,
            state: InstanceState::Restarting { exit_code: 3 },
            restarts: 2,
            started_at: None,
            serving: false,
        };
        let outcome = with_restarts(unfit(Some(&seen)).unwrap(), Some(&seen));
        let error = "it ended with exit code 3, and was restarted 2 times".to_owned();
        assert_eq!(outcome, ProbeOutcome::Failed { error });
        seen.state = InstanceState::Running;
        assert_eq!(unfit(Some(&seen)), None);
        assert!(!running(Some(&seen)).passed());
    }
}
