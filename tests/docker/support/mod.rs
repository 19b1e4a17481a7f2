//! What tests on a real engine share: the engines to test on, names that nobody else has.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod gates;

use nonevent_engine::docker::Docker;
use nonevent_engine::model::LogLine;
use tokio::sync::mpsc;

/// A Python image that every engine under test has or can pull.
pub const PYTHON: &str = "python:3.13-slim";

/// Connects to the engine that the docker CLI would use.
pub async fn docker() -> Docker {
    match Docker::connect().await {
        Ok(docker) => docker,
        Err(error) => panic!("these tests need a Docker engine: {error}\nhint: {}", error.hint().unwrap_or_default()),
    }
}

/// Connects to every engine under test: the docker CLI's, and those named by NONEVENT_TEST_HOSTS (addresses, divided by commas).
pub async fn dockers() -> Vec<Docker> {
    let mut engines = vec![docker().await];
    for host in std::env::var("NONEVENT_TEST_HOSTS").unwrap_or_default().split(',').filter(|host| !host.is_empty()) {
        match Docker::connect_to(host).await {
            Ok(docker) => engines.push(docker),
            Err(error) => panic!("NONEVENT_TEST_HOSTS names an engine that does not answer: {error}"),
        }
    }
    engines
}

/// Makes a name that no other test on the same engine has.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", &uuid::Uuid::now_v7().simple().to_string()[20..])
}

/// Receives every line of a channel into memory, so that no writer has to wait.
pub fn gather(mut receiver: mpsc::Receiver<LogLine>) -> tokio::task::JoinHandle<Vec<LogLine>> {
    tokio::spawn(async move {
        let mut lines = Vec::new();
        while let Some(line) = receiver.recv().await {
            lines.push(line);
        }
        lines
    })
}

/// Makes sure that an image is on the engine.
pub async fn pull(docker: &Docker, image: &str) {
    if let Err(error) = docker.ensure_image(image, async || {}).await {
        panic!("{error}\nhint: {}", error.hint().unwrap_or_default());
    }
}

/// Returns the resident memory of this process in bytes.
pub fn resident_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).expect("number").parse::<u64>().expect("kilobytes") * 1024
}
