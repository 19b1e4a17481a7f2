//! HTTPS: certificates of the laptop's own authority and of a real ACME server, HTTP/2, and what a restart, a reload and time do to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nonevent_engine::certificates::{Authority, placeholder};
use nonevent_engine::target::docker::{DockerTarget, Options};
use nonevent_engine::target::proxy::Exposure;
use nonevent_engine::target::{Encryption, Foundation, Target, TargetError};
use nonevent_testkit::contract::{Behaviour, Scene, rollout};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::app;
use crate::lab::{Lab, PROXY, reply};
use crate::pebble::Pebble;

/// Opens a connection that trusts these authorities and nobody else.
async fn tls(port: u16, host: &str, roots: &str, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut store = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(roots.as_bytes()) {
        store.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(store).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// The certificate that a host answers with, if it is one that these authorities vouch for.
async fn certificate(port: u16, host: &str, roots: &str) -> std::io::Result<Vec<u8>> {
    let stream = tls(port, host, roots, &[]).await?;
    Ok(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
}

async fn get(port: u16, host: &str, roots: &str, path: &str) -> String {
    let mut stream = tls(port, host, roots, &["http/1.1"]).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Who closes without saying so is no concern here.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn local(scene: &Scene<'_>) -> Foundation {
    Foundation { https: Encryption::Local, ..scene.foundation() }
}

fn authority_pem(authority: &Authority) -> String {
    std::fs::read_to_string(authority.certificate().unwrap()).unwrap()
}

/// Waits for something that nobody announces.
async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_local_name_has_https_and_http2_beside_http() {
    let lab = Lab::open("local").await;
    let scene = Scene::set(&lab, "shop").await;
    lab.target.prepare(&scene.fence, &local(&scene)).await.unwrap();
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    let (port, roots) = (lab.target.https_port().await.unwrap().unwrap(), authority_pem(&lab.authority));

    let answer = get(port, "shop.localhost", &roots, "/headers").await;
    assert_eq!(reply(&answer).status, 200, "{answer}");
    assert!(answer.contains("x-forwarded-proto: https\n"), "{answer}");
    let stream = tls(port, "shop.localhost", &roots, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    scene.answers("aaaa").await;
    assert!(certificate(port, "nobody.localhost", &roots).await.is_err(), "a name that nobody shipped has no certificate");
    let observed = lab.target.observe(&scene.place).await.unwrap();
    assert_eq!(observed.https_url, Some(format!("https://shop.localhost:{port}")));
    assert!(observed.url.unwrap().starts_with("http://"));

    // A second ship changes nothing; a laptop with another authority brings a certificate of its own.
    let first = certificate(port, "shop.localhost", &roots).await.unwrap();
    lab.target.prepare(&scene.fence, &local(&scene)).await.unwrap();
    assert_eq!(certificate(port, "shop.localhost", &roots).await.unwrap(), first);
    let home = tempfile::tempdir().unwrap();
    let other = Authority::of(home.path());
    let options = Options { authority: Some(other.clone()), ..Options::new(lab.scope.clone(), PROXY) };
    let laptop = DockerTarget::new(&lab.docker, options).unwrap();
    laptop.prepare(&scene.fence, &local(&scene)).await.unwrap();
    assert!(certificate(port, "shop.localhost", &roots).await.is_err());
    certificate(port, "shop.localhost", &authority_pem(&other)).await.unwrap();
    let files = lab.in_proxy("ls -l /var/lib/nonevent/certificates | tail -n +2").await;
    assert_eq!(files.lines().count(), 1, "the certificate that nothing refers to is gone: {files}");
    assert!(files.starts_with("-rw-r-----"), "{files}");
    let told = lab.in_proxy("cat /var/lib/nonevent/current/* ; ls -ld /var/lib/nonevent/certificates").await;
    assert!(!told.contains("PRIVATE KEY") && told.contains("drwxrwx---"), "{told}");

    // And back to HTTP alone.
    lab.target.prepare(&scene.fence, &scene.foundation()).await.unwrap();
    assert!(certificate(port, "shop.localhost", &authority_pem(&other)).await.is_err());
    assert_eq!(lab.target.observe(&scene.place).await.unwrap().https_url, None);
    scene.answers("aaaa").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_real_domain_gets_renews_and_keeps_its_certificate_without_us() {
    let lab = Lab::open("acme").await;
    let other = Scene::set(&lab, "other").await;
    other.prepare().await;
    let pebble = Pebble::start(&lab).await;
    let scene = Scene { domain: "shop.test".to_owned(), ..Scene::set(&lab, "shop").await };
    let foundation = Foundation { https: pebble.encryption(), ..scene.foundation() };
    let began = Instant::now();
    lab.target.prepare(&scene.fence, &foundation).await.unwrap();
    println!("a certificate was there after {} ms", began.elapsed().as_millis());
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    let (port, root) = (lab.target.https_port().await.unwrap().unwrap(), pebble.root().await);
    assert!(get(port, "shop.test", &root, "/").await.ends_with("aaaa"));
    assert_eq!(pebble.issued().await, 1);

    // Requests by HTTP are sent to HTTPS; health checks and probes are not lost over that.
    let plain = "GET /a?b=c HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
    let plain = lab.raw(lab.port().await, plain).await;
    assert!(
        plain.starts_with("HTTP/1.1 308") && plain.contains(&format!("location: https://shop.test:{port}/a?b=c\r\n")),
        "{plain}"
    );
    let observed = lab.target.observe(&scene.place).await.unwrap();
    assert_eq!(observed.url, Some(format!("https://shop.test:{port}")));
    let account = lab.in_proxy("ls -l /var/lib/nonevent/acme | tail -n +2; ls -ld /var/lib/nonevent/acme").await;
    assert!(account.contains("drwxrwx---"), "only the proxy enters the folder of its keys: {account}");

    // A reload and a restart find it on the volume, and ask for no other.
    let first = certificate(port, "shop.test", &root).await.unwrap();
    let third = Scene::set(&lab, "third").await;
    third.prepare().await;
    lab.docker.client.restart_container(&lab.proxy(), None).await.unwrap();
    lab.target.prepare(&scene.fence, &foundation).await.unwrap();
    assert_eq!(certificate(port, "shop.test", &root).await.unwrap(), first);
    assert_eq!(pebble.issued().await, 1);

    // A renewal replaces it in the running worker, and connections that are open go on.
    let mut open = tls(port, "shop.test", &root, &["http/1.1"]).await.unwrap();
    lab.tell_worker("acme renew @acme/shop.test.pem").await;
    let renewed = eventually("the renewal", async || {
        let now = certificate(port, "shop.test", &root).await.ok()?;
        (now != first).then_some(now)
    })
    .await;
    open.write_all(b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = open.read_to_end(&mut answer).await;
    assert!(String::from_utf8_lossy(&answer).ends_with("aaaa"));
    eventually("the new certificate on the volume", async || {
        let pem = lab.in_proxy("cat /var/lib/nonevent/acme/shop.test.pem").await;
        let saved = CertificateDer::pem_slice_iter(pem.as_bytes()).next()?.unwrap();
        (saved.to_vec() == renewed).then_some(())
    })
    .await;
    lab.docker.client.kill_container(&lab.proxy(), None).await.unwrap();
    lab.docker.client.start_container(&lab.proxy(), None).await.unwrap();
    let after = eventually("the proxy's return", async || certificate(port, "shop.test", &root).await.ok()).await;
    assert_eq!(after, renewed, "a proxy that was killed comes back with it");
    assert_eq!(pebble.issued().await, 2);

    // One that is due is replaced with no process of ours.
    let due = placeholder("shop.test").unwrap();
    lab.put("/var/lib/nonevent/acme/shop.test.pem", due.reveal()).await;
    lab.docker.client.kill_container(&lab.proxy(), None).await.unwrap();
    lab.docker.client.start_container(&lab.proxy(), None).await.unwrap();
    let last = eventually("the renewal of what is due", async || certificate(port, "shop.test", &root).await.ok()).await;
    assert_ne!(last, renewed);
    assert!(get(port, "shop.test", &root, "/").await.ends_with("aaaa"));
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_domain_that_leads_elsewhere_is_told_with_what_the_authority_said() {
    let lab = Lab::open("astray").await;
    let other = Scene::set(&lab, "other").await;
    other.prepare().await;
    let pebble = Pebble::start(&lab).await;
    pebble.mislead().await;
    let scene = Scene { domain: "shop.test".to_owned(), ..Scene::set(&lab, "shop").await };
    let foundation = Foundation { https: pebble.encryption(), ..scene.foundation() };
    let began = Instant::now();
    match lab.target.prepare(&scene.fence, &foundation).await {
        Err(error @ TargetError::NoCertificate { .. }) => {
            println!("after {} ms: {error}", began.elapsed().as_millis());
            assert!(error.to_string().starts_with("there is no certificate for shop.test: "), "{error}");
            assert!(error.to_string().contains("127.0.0.9"), "what the authority saw is told: {error}");
            assert!(error.hint().unwrap().contains("port 80 is open to the world"));
        }
        other => panic!("{other:?}"),
    }
    // Once it leads here, the next ship does not wait for the client's next try.
    pebble.lead_to_proxy().await;
    lab.target.prepare(&scene.fence, &foundation).await.unwrap();
    certificate(lab.target.https_port().await.unwrap().unwrap(), "shop.test", &pebble.root().await).await.unwrap();
    // It goes on without, for whoever decides so.
    lab.target.prepare(&scene.fence, &scene.foundation()).await.unwrap();
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    let request = "GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
    assert_eq!(reply(&lab.raw(lab.port().await, request).await).body, "aaaa");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_an_app_that_demands_https_is_healthy_behind_it() {
    let lab = Lab::open("demand").await;
    Scene::set(&lab, "other").await.prepare().await;
    let pebble = Pebble::start(&lab).await;
    let scene = Scene { domain: "shop.test".to_owned(), ..Scene::set(&lab, "shop").await };
    lab.target.prepare(&scene.fence, &Foundation { https: pebble.encryption(), ..scene.foundation() }).await.unwrap();
    // As Django does with SECURE_SSL_REDIRECT: whatever came by HTTP is sent away.
    let code = r"
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        secure = self.headers.get('x-forwarded-proto') == 'https'
        self.send_response(200 if secure else 301)
        self.send_header('content-length', '0')
        self.end_headers()
ThreadingHTTPServer(('', int(os.environ['PORT'])), Handler).serve_forever()
";
    let mut spec = scene.web(&rollout("r1"), "aaaa", Behaviour::Healthy);
    spec.command = app::python(code, &[]);
    let instance = lab.target.start(&scene.fence, &spec).await.unwrap();
    scene.await_probe(&instance, |attempt| attempt.outcome.passed()).await;
    let record = scene.record(&rollout("r1"), "aaaa");
    lab.target.stage(&scene.fence, &record, std::slice::from_ref(&instance.id)).await.unwrap();
    lab.target.switch(&scene.fence, &rollout("r1")).await.unwrap();
    // The proxy's own checks as well: it was declared up by the switch and must stay so.
    eventually("a check of the proxy", async || {
        let stat = lab.tell_worker("show stat").await;
        stat.lines().any(|line| line.starts_with("shop_local.blue,s1,") && line.contains(",L7OK,")).then_some(())
    })
    .await;
    let (port, root) = (lab.target.https_port().await.unwrap().unwrap(), pebble.root().await);
    assert_eq!(reply(&get(port, "shop.test", &root, "/").await).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_proxy_that_must_be_reached_from_outside_is_made_so_only_while_nothing_serves() {
    let lab = Lab::open("outside").await;
    let options = Options { exposure: Exposure::Everybody, ..Options::new(lab.scope.clone(), PROXY) };
    let target = DockerTarget::new(&lab.docker, options).unwrap();
    let scene = Scene { domain: "shop.test".to_owned(), ..Scene::set(&lab, "shop").await };
    // Nobody answers there: what matters is where the proxy listens when it says so.
    let https = Encryption::Acme { directory: "https://pebble.invalid/dir".to_owned(), email: None, roots: None };
    let foundation = Foundation { https, ..scene.foundation() };
    let other = Scene::set(&lab, "other").await;
    other.prepare().await;
    match target.prepare(&scene.fence, &foundation).await {
        Err(error @ TargetError::NotExposed { .. }) => assert!(error.hint().unwrap().contains("nonevent down")),
        other => panic!("{other:?}"),
    }
    other.answers_nothing().await;
    other.strike().await;
    let prepared = tokio::time::timeout(Duration::from_secs(20), target.prepare(&scene.fence, &foundation)).await;
    assert!(prepared.is_err(), "it waits for a certificate that nobody gives");
    let proxy = lab.docker.client.inspect_container(&lab.proxy(), None).await.unwrap();
    let bindings = proxy.host_config.unwrap().port_bindings.unwrap();
    let from = |port: &str| bindings[port].as_ref().unwrap()[0].host_ip.clone().unwrap();
    assert_eq!([from("8080/tcp"), from("8443/tcp"), from("8081/tcp")], ["0.0.0.0", "0.0.0.0", "127.0.0.1"]);
}
