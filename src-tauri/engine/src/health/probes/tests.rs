#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

use super::*;
use crate::model::HttpProbe;

/// A server that gives every request the same answer; returns what it was asked last, too.
fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut asked = String::new();
            let mut reader = BufReader::new(&stream);
            while reader.read_line(&mut asked).is_ok_and(|read| read > 2) {}
            let answer = answer.replace("{asked}", &asked.to_lowercase());
            let length = answer.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
            let _ = (&stream).write_all(answer.replacen("\r\n", &format!("\r\nContent-Length: {length}\r\n"), 1).as_bytes());
        }
    });
    address
}

async fn found(answer: &'static str, probe: HttpProbe) -> Found {
    let address = server(answer);
    let url = format!("http://shop.localhost:{}{}", address.port(), probe.target);
    HttpProber::new(probe, &url, Some(address), None, Duration::from_secs(5)).unwrap().measure().await
}

fn probe() -> HttpProbe {
    HttpProbe { target: "/healthz".into(), ..HttpProbe::default() }
}

const HEALTHY: &str = "HTTP/1.1 200 OK\r\n\r\n{\"database\": \"ok\", \"queues\": [{\"depth\": 3}]}";

#[tokio::test]
async fn an_answer_is_judged_by_all_that_is_asked_of_it() {
    let json = |path: &str, text: Option<&str>| Some((path.to_owned(), text.map(str::to_owned)));
    for (answer, probe, finding) in [
        (HEALTHY, probe(), ""),
        (HEALTHY, HttpProbe { body: Some("database".into()), json: json("$.database", Some("ok")), ..probe() }, ""),
        (HEALTHY, HttpProbe { json: json("$.queues[*].depth", Some("3")), ..probe() }, ""),
        (HEALTHY, HttpProbe { json: json("$.database", Some("gone")), ..probe() }, "`$.database` is `ok`, not `gone`"),
        (HEALTHY, HttpProbe { json: json("$.cache", None), ..probe() }, "nothing stands at `$.cache`"),
        (HEALTHY, HttpProbe { body: Some("all is well".into()), ..probe() }, "`all is well` is not in the answer"),
        (HEALTHY, HttpProbe { status: vec![204], ..probe() }, "answered 200"),
        ("HTTP/1.1 503 No\r\n\r\nthe database\n is gone", probe(), "answered 503: the database is gone"),
        ("HTTP/1.1 503 No\r\n\r\n", HttpProbe { status: vec![200, 503], ..probe() }, ""),
        ("HTTP/1.1 302 Go\r\nLocation: /login\r\n\r\n", probe(), "answered 302"),
        ("HTTP/1.1 200 OK\r\n\r\nno JSON", HttpProbe { json: json("$.a", None), ..probe() }, "the answer is no JSON"),
        ("nonsense\r\n\r\n", probe(), "GET http://shop.localhost"),
    ] {
        let found = found(answer, probe.clone()).await;
        let expected = if finding.is_empty() { SampleOutcome::Passed } else { SampleOutcome::Failed };
        assert_eq!(found.outcome, expected, "{probe:?}: {}", found.finding);
        assert!(found.finding.contains(finding), "{}", found.finding);
    }
}

#[tokio::test]
async fn headers_and_the_public_host_are_sent() {
    let probe = HttpProbe {
        headers: BTreeMap::from([("X-Probe".to_owned(), "yes".to_owned())]),
        body: Some("x-probe: yes".into()),
        ..probe()
    };
    let found = found("HTTP/1.1 200 OK\r\n\r\n{asked}", probe.clone()).await;
    assert_eq!(found, Found::passed());
    let host = HttpProbe { body: Some("host: shop.localhost:".into()), ..probe };
    assert_eq!(self::found("HTTP/1.1 200 OK\r\n\r\n{asked}", host).await, Found::passed());
}

#[tokio::test]
async fn a_slow_answer_is_degraded_and_none_is_a_failure() {
    let slow = found(HEALTHY, HttpProbe { latency: Some(Duration::from_nanos(1)), ..probe() }).await;
    assert_eq!(slow.outcome, SampleOutcome::Degraded, "{}", slow.finding);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It accepts connections, and nobody ever answers.
    let url = format!("http://shop.localhost:{}/", address.port());
    let silent = HttpProber::new(probe(), &url, Some(address), None, Duration::from_millis(200)).unwrap().measure().await;
    assert!(silent.finding.contains("no answer within 0.2 s"), "{}", silent.finding);
    drop(listener);
    let gone = HttpProber::new(probe(), &url, Some(address), None, Duration::from_secs(5)).unwrap().measure().await;
    assert_eq!(gone.outcome, SampleOutcome::Failed);
    assert_eq!(tcp(&address.to_string(), Duration::from_secs(5)).await.outcome, SampleOutcome::Failed);
}

#[tokio::test]
async fn a_network_is_there_when_one_neighbour_answers() {
    let there = server(HEALTHY).to_string();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert!(has_network(&[]).await);
    assert!(has_network(&[gone.clone(), there]).await);
    assert!(!has_network(&[gone]).await);
}

#[test]
fn a_measurement_in_which_the_machine_slept_is_none() {
    let timeout = Duration::from_secs(5);
    for (began, ended, expected) in
        [(0, 5_000, false), (0, 9_999, false), (0, 10_001, true), (0, 8 * 3_600_000, true), (5_000, 4_999, true)]
    {
        assert_eq!(slept(began, ended, timeout), expected, "{began} to {ended}");
    }
    assert!(slept(i64::MIN, i64::MAX, timeout));
}
