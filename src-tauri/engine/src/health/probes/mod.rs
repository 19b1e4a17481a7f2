//! Making one measurement from here, as a visitor would: a request and its answer, a port. What needs the target is made by its caller.

mod http;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::TcpStream;

pub use http::{HttpProber, ProberError};

use super::Sample;
use crate::model::SampleOutcome;

/// What was found, without its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How it is.
    pub outcome: SampleOutcome,
    /// In words; empty when it passed.
    pub finding: String,
}

impl Found {
    /// All is as it should be.
    pub fn passed() -> Self {
        Self { outcome: SampleOutcome::Passed, finding: String::new() }
    }

    /// It is not as it should be.
    pub fn new(outcome: SampleOutcome, finding: impl Into<String>) -> Self {
        Self { outcome, finding: finding.into() }
    }
}

/// Makes a measurement and takes its time.
pub async fn timed(measure: impl Future<Output = Found>) -> Sample {
    let (at, began) = (Timestamp::now().as_millisecond(), Instant::now());
    let found = measure.await;
    let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    Sample { at, outcome: found.outcome, took, finding: found.finding }
}

/// Tells by the clock (milliseconds since 1970) whether a measurement that may take so long was not one: the machine slept while it was
/// made, or its clock was set. The timer that bounds it stands still meanwhile.
pub fn slept(began: i64, ended: i64, patience: Duration) -> bool {
    const SLACK: Duration = Duration::from_secs(5);
    let longest = i64::try_from((patience + SLACK).as_millis()).unwrap_or(i64::MAX);
    ended < began || ended.saturating_sub(began) > longest
}

/// Connects to `host:port`.
pub async fn tcp(address: &str, timeout: Duration) -> Found {
    match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Found::passed(),
        Ok(Err(error)) => Found::new(SampleOutcome::Failed, format!("{address}: {error}")),
        Err(_) => Found::new(SampleOutcome::Failed, format!("{address}: no connection within {} s", timeout.as_secs_f64())),
    }
}

/// Tells whether one of several addresses can be reached: then this machine has a network. None are no answer, and none is needed.
pub async fn has_network(neighbours: &[String]) -> bool {
    const PATIENCE: Duration = Duration::from_secs(3);
    if neighbours.is_empty() {
        return true;
    }
    let tries = neighbours.iter().map(|address| {
        Box::pin(async {
            match tcp(address, PATIENCE).await.outcome {
                SampleOutcome::Passed => Ok(()),
                _ => Err(()),
            }
        })
    });
    futures_util::future::select_ok(tries).await.is_ok()
}

/// Tells whether this machine has a way to `host:port`, without sending anything there: with neither a link nor a route it has none.
pub async fn has_way(address: &str) -> bool {
    const PATIENCE: Duration = Duration::from_secs(3);
    let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host(address)).await;
    let mut ways: Vec<SocketAddr> = found.into_iter().flat_map(Result::into_iter).flatten().collect();
    if ways.is_empty() {
        // Whose name is not found may still be out there: of TEST-NET-1 nobody is (RFC 5737).
        ways.push(SocketAddr::from(([192, 0, 2, 1], 9)));
    }
    let may_go = |to: &SocketAddr| {
        let own = if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        UdpSocket::bind((own, 0)).and_then(|socket| socket.connect(to)).is_ok()
    };
    ways.iter().any(may_go)
}

#[cfg(test)]
mod tests;
