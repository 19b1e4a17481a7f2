#![allow(clippy::unwrap_used)]
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use super::*;
use crate::model::{EnvironmentName, ProjectName, ReleaseId};

/// What was posted: its headers in small letters, and its body.
struct Posted {
    headers: String,
    body: String,
}

/// A server that answers each request with the next of these statuses.
fn server(statuses: &'static [u16]) -> (String, mpsc::Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=not-a-real-token", listener.local_addr().unwrap());
    let (sender, posted) = mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut headers = String::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                headers.push_str(&line.to_lowercase());
            }
            let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let mut stream = stream;
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            sender.send(Posted { headers, body: String::from_utf8(body).unwrap() }).unwrap();
        }
    });
    (url, posted)
}

fn notice() -> Notice {
    Notice {
        about: "incident-1".into(),
        project: ProjectName::new("shop"),
        environment: EnvironmentName::new("production"),
        release: Some(ReleaseId::new("3f2a91c04d5e")),
        weight: NoticeWeight::Outage,
        ends: None,
        title: "shop (production) is down".into(),
        text: "GET /healthz answered 500 <b>".into(),
        url: Some("http://shop.localhost".into()),
        at: "2026-11-23T10:00:00.000Z".into(),
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

fn quick() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(Duration::from_millis(1)).with_max_times(4)
}

fn address(kind: WebhookKind, url: &str) -> Address {
    Address { kind, url: Secret::new(url), key: Some(Secret::new("a-made-up-key")) }
}

#[tokio::test]
async fn each_kind_gets_what_it_understands() {
    let (url, posted) = server(&[200, 204, 200, 200]);
    for kind in [WebhookKind::Slack, WebhookKind::Discord, WebhookKind::Ntfy, WebhookKind::Json] {
        post(&client(), &address(kind, &url), &notice(), quick()).await.unwrap();
    }
    let slack = posted.recv().unwrap();
    assert_eq!(slack.body, r#"{"text":"shop (production) is down\nGET /healthz answered 500 &lt;b&gt;"}"#);
    let discord: serde_json::Value = serde_json::from_str(&posted.recv().unwrap().body).unwrap();
    assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
    let ntfy = posted.recv().unwrap();
    for header in ["priority: urgent", "title: shop (production) is down", "click: http://shop.localhost"] {
        assert!(ntfy.headers.contains(header), "{}", ntfy.headers);
    }
    let json = posted.recv().unwrap();
    let expected = signature(&Secret::new("a-made-up-key"), json.body.as_bytes());
    assert!(json.headers.contains(&format!("{SIGNATURE}: {expected}")), "{}", json.headers);
    assert_eq!(serde_json::from_str::<Notice>(&json.body).unwrap(), notice());
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    let (url, posted) = server(&[503, 429, 200]);
    post(&client(), &address(WebhookKind::Json, &url), &notice(), quick()).await.unwrap();
    assert_eq!(posted.iter().take(3).count(), 3);
    let (url, posted) = server(&[410, 200]);
    let error = post(&client(), &address(WebhookKind::Json, &url), &notice(), quick()).await.unwrap_err();
    assert!(matches!(error, WebhookError::Refused { status: StatusCode::GONE }), "{error}");
    assert_eq!(posted.recv().unwrap().headers.matches("post /hook").count(), 1);
    assert!(posted.try_recv().is_err());
}

#[tokio::test]
async fn an_address_that_is_not_there_is_given_up_and_not_told() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/made-up-token", listener.local_addr().unwrap())
    };
    let error = post(&client(), &address(WebhookKind::Slack, &url), &notice(), quick()).await.unwrap_err();
    assert!(matches!(error, WebhookError::Unreachable { .. }), "{error}");
    assert!(!error.to_string().contains("made-up-token"), "{error}");
}

#[test]
fn the_signature_is_hmac_sha256() {
    // RFC 4231, test case 2.
    let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signature(&Secret::new("Jefe"), b"what do ya want for nothing?"), expected);
}
