//! No request is lost: constant load over switches, scaling, a reload, and connections that stay open.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nonevent_engine::target::Target;
use nonevent_testkit::contract::{Scene, ids, rollout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::app;
use crate::lab::Lab;

/// How a client talks.
#[derive(Debug, Clone, Copy)]
struct Manner {
    method: &'static str,
    keeps: bool,
}

/// Clients that ask until they are told to stop. Each is strict: a connection that ends without an answer is a lost request, even
/// where a browser would quietly ask again.
struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<(usize, Vec<String>)>,
}

impl Load {
    fn start(port: u16, domain: &str, manners: &[Manner]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for manner in manners {
            clients.spawn(client(port, domain.to_owned(), *manner, stop.clone()));
        }
        Self { stop, clients }
    }

    /// Stops; returns how many requests were answered, and what went wrong with the others.
    async fn end(mut self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let (mut answered, mut lost) = (0, Vec::new());
        while let Some(client) = self.clients.join_next().await {
            let (count, errors) = client.unwrap();
            answered += count;
            lost.extend(errors);
        }
        (answered, lost)
    }
}

async fn client(port: u16, domain: String, manner: Manner, stop: Arc<AtomicBool>) -> (usize, Vec<String>) {
    let (mut answered, mut lost) = (0, Vec::new());
    let mut open: Option<TcpStream> = None;
    let header = if manner.keeps { "" } else { "Connection: close\r\n" };
    let body = if manner.method == "POST" { "Content-Length: 5\r\n\r\nhello" } else { "\r\n" };
    let request = format!("{} / HTTP/1.1\r\nHost: {domain}\r\n{header}{body}", manner.method);
    while !stop.load(Ordering::Relaxed) {
        match ask(&mut open, port, &request).await {
            Ok(200) => answered += 1,
            Ok(status) => lost.push(format!("{manner:?}: {status}")),
            Err(error) => {
                open = None;
                lost.push(format!("{manner:?}: {error}"));
            }
        }
    }
    (answered, lost)
}

/// Sends one request and reads its answer whole. Keeps the connection unless the answer says that it ends.
async fn ask(open: &mut Option<TcpStream>, port: u16, request: &str) -> std::io::Result<u16> {
    let mut connection = match open.take() {
        Some(connection) => connection,
        None => TcpStream::connect(("127.0.0.1", port)).await?,
    };
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let head = loop {
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if connection.read_buf(&mut answer).await? == 0 {
            return Err(std::io::Error::other("the connection ended before an answer"));
        }
    };
    let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    let length: usize = field("content-length:").and_then(|length| length.parse().ok()).unwrap_or_default();
    while answer.len() < head + length {
        if connection.read_buf(&mut answer).await? == 0 {
            return Err(std::io::Error::other("the connection ended in the middle of an answer"));
        }
    }
    if field("connection:").as_deref() != Some("close") {
        *open = Some(connection);
    }
    Ok(text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default())
}

fn manners() -> Vec<Manner> {
    let manner = |method, keeps| Manner { method, keeps };
    vec![
        manner("POST", true),
        manner("POST", true),
        manner("POST", true),
        manner("GET", true),
        manner("GET", true),
        manner("POST", false),
        manner("GET", false),
    ]
}

/// Sums up what went wrong.
fn summary(lost: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for error in lost {
        *counts.entry(error.as_str()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_ten_switches_lose_no_request() {
    let lab = Lab::open("load").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let mut serving = scene.serve(&rollout("r0"), "r0", 2).await;
    let load = Load::start(lab.port().await, &scene.domain, &manners());
    let began = Instant::now();
    for number in 1..=10 {
        let name = format!("r{number}");
        let fresh = scene.serve(&rollout(&name), &name, 2).await;
        assert_eq!(lab.target.drain(&scene.fence, Duration::from_secs(20)).await.unwrap(), 0);
        for instance in &serving {
            scene.retire(instance).await;
        }
        serving = fresh;
    }
    let seconds = began.elapsed().as_secs_f64();
    let (answered, lost) = load.end().await;
    println!("10 switches under load: {} of {} requests lost, in {seconds:.0} s", lost.len(), answered + lost.len());
    assert_eq!(summary(&lost), BTreeMap::new(), "of {answered} that were answered");
    assert!(answered > 1000, "{answered} requests are no load");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_scaling_and_a_new_environment_lose_no_request() {
    let lab = Lab::open("scale").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let mut instances = scene.serve(&rollout("r0"), "aaaa", 1).await;
    let load = Load::start(lab.port().await, &scene.domain, &manners());
    instances.extend(scene.start(&rollout("r1"), "aaaa", 2).await);
    lab.target.rescale(&scene.fence, &scene.record(&rollout("r1"), "aaaa"), &ids(&instances)).await.unwrap();
    // Each new environment reloads the proxy.
    for name in ["one", "two", "three"] {
        let other = Scene::set(&lab, name).await;
        other.prepare().await;
        other.serve(&rollout("r1"), "bbbb", 1).await;
    }
    let leaving = instances.split_off(1);
    lab.target.rescale(&scene.fence, &scene.record(&rollout("r2"), "aaaa"), &ids(&instances)).await.unwrap();
    assert_eq!(lab.target.drain(&scene.fence, Duration::from_secs(20)).await.unwrap(), 0);
    for instance in &leaving {
        scene.retire(instance).await;
    }
    let (answered, lost) = load.end().await;
    println!("scaling and 3 reloads under load: {} of {} requests lost", lost.len(), answered + lost.len());
    assert_eq!(summary(&lost), BTreeMap::new(), "of {answered} that were answered");
    assert!(answered > 1000, "{answered} requests are no load");
}

/// Answers an upgrade, then echoes bytes: what matters of a WebSocket (RFC 6455) to a proxy.
const ECHO: &str = r"
import base64, hashlib, os, re, socket, threading
server = socket.create_server(('', int(os.environ['PORT'])), backlog=64)
def serve(peer):
    head = b''
    while b'\r\n\r\n' not in head:
        part = peer.recv(4096)
        if not part:
            return
        head += part
    if b'pgrade' not in head:
        peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
        peer.close()
        return
    key = re.search(rb'(?i)sec-websocket-key: *(\S+)', head)[1] + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
    accept = base64.b64encode(hashlib.sha1(key).digest())
    peer.sendall(b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
                 b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
    while part := peer.recv(4096):
        peer.sendall(part)
    peer.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
";

#[tokio::test(flavor = "multi_thread")]
async fn docker_an_open_socket_outlives_a_switch_and_a_reload_and_is_counted() {
    let lab = Lab::open("socket").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    let start = async |name: &str| {
        let mut spec = scene.web(&rollout(name), name, nonevent_testkit::contract::Behaviour::Healthy);
        spec.command = app::python(ECHO, &[]);
        let instance = lab.target.start(&scene.fence, &spec).await.unwrap();
        scene.await_probe(&instance, |attempt| attempt.outcome.passed()).await;
        let record = scene.record(&rollout(name), name);
        lab.target.stage(&scene.fence, &record, std::slice::from_ref(&instance.id)).await.unwrap();
        lab.target.switch(&scene.fence, &rollout(name)).await.unwrap();
    };
    start("r1").await;
    let mut socket = TcpStream::connect(("127.0.0.1", lab.port().await)).await.unwrap();
    let upgrade = "GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Key: bm9uZXZlbnQgdGVzdCBrZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    socket.write_all(upgrade.as_bytes()).await.unwrap();
    let began = Instant::now();
    let mut echo = async |sent: &str, expected: &str| {
        println!("{} ms {sent}", began.elapsed().as_millis());
        socket.write_all(sent.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).ends_with(expected) {
            assert_ne!(
                socket.read_buf(&mut seen).await.unwrap(),
                0,
                "the socket was closed after {:?}",
                String::from_utf8_lossy(&seen)
            );
        }
    };
    echo("", "\r\n\r\n").await;
    echo("before", "before").await;

    start("r2").await;
    echo("after the switch", "after the switch").await;
    assert_eq!(lab.target.drain(&scene.fence, Duration::ZERO).await.unwrap(), 1);

    let other = Scene::set(&lab, "other").await;
    other.prepare().await;
    echo("after the reload", "after the reload").await;
    assert_eq!(lab.target.drain(&scene.fence, Duration::ZERO).await.unwrap(), 1, "the old worker is asked too");
    let counted = lab.in_proxy("exec 3<>/dev/tcp/127.0.0.1/9998; printf 'show proc\\nquit\\n' >&3; cat <&3").await;
    assert_eq!(counted.lines().filter(|line| line.split_whitespace().nth(1) == Some("worker")).count(), 2, "{counted}");

    // A switch after the reload reaches the old worker as well.
    lab.target.switch(&scene.fence, &rollout("r1")).await.unwrap();
    lab.target.switch(&scene.fence, &rollout("r2")).await.unwrap();
    echo("still there", "still there").await;
    drop(socket);
    assert_eq!(lab.target.drain(&scene.fence, Duration::from_secs(10)).await.unwrap(), 0);
}
