//! Constant load of every kind, and its tally.

pub mod app;
pub mod client;

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use client::{Connection, Site, Socket, read};

/// What a client does, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `GET`, one connection for all.
    GetKept,
    /// `GET`, a connection for each.
    GetFresh,
    /// `POST` with a body, one connection for all.
    PostKept,
    /// `POST` with a body, a connection for each.
    PostFresh,
    /// `GET` and `POST` in turn by HTTP/2, one connection for all.
    Http2,
    /// An answer that takes 2 s.
    Slow,
    /// A body that takes 3 s to send; the answer is its checksum.
    Upload,
    /// A WebSocket that lives for 4 s and is asked ten times a second.
    Socket,
    /// Thirty events in 3 s.
    Events,
}

/// A kind, by HTTP or HTTPS.
pub type Load = (Kind, Site);

/// How it went.
#[derive(Debug, Default)]
pub struct Tally {
    /// By kind and scheme: answered, failed.
    pub counts: BTreeMap<String, (u64, u64)>,
    /// Some of the failures, with their kind.
    pub failures: Vec<String>,
}

impl Tally {
    /// All that were sent.
    pub fn sent(&self) -> u64 {
        self.counts.values().map(|(answered, failed)| answered + failed).sum()
    }

    /// All that failed.
    pub fn failed(&self) -> u64 {
        self.counts.values().map(|(_, failed)| failed).sum()
    }

    /// A line for each kind.
    pub fn table(&self) -> String {
        let line = |(kind, (answered, failed)): (&String, &(u64, u64))| {
            format!("  {kind:<24} {answered:>9} answered {failed:>6} failed")
        };
        self.counts.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Load that goes on until it is told to end.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    clients: JoinSet<(String, u64, Vec<String>)>,
}

impl Traffic {
    /// Starts one client for each.
    pub fn start(loads: Vec<Load>) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut clients = JoinSet::new();
        for (kind, site) in loads {
            clients.spawn(run(kind, site, Arc::clone(&stop), Arc::clone(&sent)));
        }
        Self { stop, sent, clients }
    }

    /// How many were sent until now.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Lets what is in flight end, and tells how it went.
    pub async fn end(mut self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let mut tally = Tally::default();
        while let Some(ended) = self.clients.join_next().await {
            let (name, answered, failures) = ended.unwrap();
            let counts = tally.counts.entry(name.clone()).or_default();
            counts.0 += answered;
            counts.1 += failures.len() as u64;
            tally.failures.extend(failures.into_iter().take(3).map(|failure| format!("{name}: {failure}")));
        }
        tally
    }
}

async fn run(kind: Kind, site: Site, stop: Arc<AtomicBool>, sent: Arc<AtomicU64>) -> (String, u64, Vec<String>) {
    let scheme = if site.tls.is_some() { "https" } else { "http" };
    let name = format!("{kind:?} by {scheme}");
    let (mut answered, mut failures) = (0, Vec::new());
    let mut open = Open::default();
    while !stop.load(Ordering::Relaxed) {
        sent.fetch_add(1, Ordering::Relaxed);
        let limit = Duration::from_secs(60);
        let done = tokio::time::timeout(limit, once(kind, &site, &mut open, answered)).await;
        match done.unwrap_or_else(|_| Err(Error::other("no end within a minute"))) {
            Ok(()) => answered += 1,
            Err(error) => {
                open = Open::default();
                failures.push(error.to_string());
                // Who is refused at once would otherwise count the same trouble a thousand times a second.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    (name, answered, failures)
}

/// What is kept between two requests.
#[derive(Default)]
struct Open {
    http1: Option<Connection>,
    http2: Option<hyper::client::conn::http2::SendRequest<Full<Bytes>>>,
}

async fn once(kind: Kind, site: &Site, open: &mut Open, number: u64) -> Result<()> {
    match kind {
        Kind::GetKept | Kind::GetFresh | Kind::PostKept | Kind::PostFresh => {
            let keeps = matches!(kind, Kind::GetKept | Kind::PostKept);
            let close = if keeps { "" } else { "Connection: close\r\n" };
            let text = format!("number {number}");
            let request = match kind {
                Kind::GetKept | Kind::GetFresh => site.head("GET", "/version", close),
                _ => site.head("POST", "/echo", &format!("{close}Content-Length: {}\r\n", text.len())) + &text,
            };
            let mut connection = match open.http1.take() {
                Some(connection) => connection,
                None => site.connect().await?,
            };
            connection.write_all(request.as_bytes()).await?;
            let answer = read(&mut connection).await?;
            if keeps && answer.keeps {
                open.http1 = Some(connection);
            }
            let right = matches!(kind, Kind::GetKept | Kind::GetFresh) || answer.body == text;
            expect(answer.status == 200 && right, || format!("{} {}", answer.status, first_line(&answer.body)))
        }
        Kind::Http2 => http2(site, open, number).await,
        Kind::Slow => {
            let mut connection = site.connect().await?;
            connection.write_all(site.head("GET", "/slow", "").as_bytes()).await?;
            let answer = read(&mut connection).await?;
            expect(answer.status == 200, || format!("{} {}", answer.status, first_line(&answer.body)))
        }
        Kind::Upload => {
            let mut upload = Upload::begin(site, 12, 16 * 1024).await?;
            for _ in 0..12 {
                upload.part().await?;
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            upload.finish().await
        }
        Kind::Socket => {
            let mut socket = Socket::open(site, "/socket").await?;
            for number in 0..40 {
                let answer = socket.ask(&number.to_string()).await?;
                expect(answer.starts_with(&number.to_string()), || answer)?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            socket.close().await
        }
        Kind::Events => {
            let mut connection = site.connect().await?;
            connection.write_all(site.head("GET", "/events?count=30", "").as_bytes()).await?;
            let answer = read(&mut connection).await?;
            let count = answer.body.matches("data: ").count();
            expect(answer.status == 200 && count == 30, || format!("{} {count} events", answer.status))
        }
    }
}

/// One connection at a time; one that says goodbye between two requests is replaced, one that does within a request is a failure.
async fn http2(site: &Site, open: &mut Open, number: u64) -> Result<()> {
    let ready = match &mut open.http2 {
        Some(sender) => sender.ready().await.is_ok(),
        None => false,
    };
    if !ready {
        let connection = TokioIo::new(site.connect().await?);
        let (sender, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), connection).await.map_err(Error::other)?;
        tokio::spawn(driver);
        open.http2 = Some(sender);
    }
    let Some(sender) = &mut open.http2 else { return Err(Error::other("no connection")) };
    let text = format!("number {number}");
    let (method, path, body) = if number.is_multiple_of(2) { ("GET", "/version", "") } else { ("POST", "/echo", text.as_str()) };
    let request = hyper::Request::builder()
        .method(method)
        .uri(format!("https://{}{path}", site.host))
        .body(Full::new(Bytes::from(body.to_owned())))
        .map_err(Error::other)?;
    let answer = sender.send_request(request).await.map_err(|error| Error::other(format!("{error:?}")))?;
    let status = answer.status();
    let bytes = answer.into_body().collect().await.map_err(Error::other)?.to_bytes();
    expect(status == 200 && (body.is_empty() || bytes == body.as_bytes()), || status.to_string())
}

/// A request body that is sent in parts.
pub struct Upload {
    connection: Connection,
    digest: Sha256,
    size: usize,
    number: u8,
}

impl Upload {
    /// Sends the head.
    pub async fn begin(site: &Site, parts: usize, size: usize) -> Result<Self> {
        let mut connection = site.connect().await?;
        let length = format!("Content-Length: {}\r\n", parts * size);
        connection.write_all(site.head("POST", "/upload", &length).as_bytes()).await?;
        Ok(Self { connection, digest: Sha256::new(), size, number: 0 })
    }

    /// Sends a part.
    pub async fn part(&mut self) -> Result<()> {
        self.number = self.number.wrapping_add(1);
        let bytes = vec![self.number; self.size];
        self.digest.update(&bytes);
        self.connection.write_all(&bytes).await?;
        self.connection.flush().await
    }

    /// Reads the checksum of what arrived.
    pub async fn finish(mut self) -> Result<()> {
        let answer = read(&mut self.connection).await?;
        let expected: String = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        expect(answer.status == 200 && answer.body == expected, || format!("{} {}", answer.status, first_line(&answer.body)))
    }
}

fn expect(condition: bool, told: impl FnOnce() -> String) -> Result<()> {
    if condition { Ok(()) } else { Err(Error::other(told())) }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
