//! Connecting to a real engine: by socket, by context, by TLS; and what is said when there is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::path::Path;
use std::sync::Arc;

use nonevent_engine::docker::{ConnectError, Docker, Surroundings};
use nonevent_engine::model::EngineOrigin;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use support::{docker, dockers};

fn write(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    std::fs::write(path, text).expect("file");
}

#[tokio::test]
async fn every_engine_says_what_it_is() {
    for docker in dockers().await {
        let info = &docker.info;
        println!("{info:?}");
        assert!(!info.version.is_empty() && info.memory > 0 && info.cpus > 0);
        assert!(info.platform.starts_with("linux/") && !info.platform.contains("x86_64"), "{}", info.platform);
        assert!(!info.podman);
        docker.client.ping().await.expect("ping");
    }
}

#[tokio::test]
async fn a_stored_context_reaches_the_engine() {
    let engine = docker().await;
    let folder = tempfile::tempdir().expect("temporary folder");
    let hash = hex::encode(Sha256::digest("bench"));
    let meta = format!(r#"{{"Name":"bench","Endpoints":{{"docker":{{"Host":"{}"}}}}}}"#, engine.info.host);
    write(&folder.path().join(format!("contexts/meta/{hash}/meta.json")), meta);
    write(&folder.path().join("config.json"), r#"{"currentContext":"bench"}"#);
    let surroundings = Surroundings { config: Some(folder.path().to_owned()), ..Surroundings::default() };
    let docker = Docker::connect_from(&surroundings).await.expect("connection");
    assert_eq!(docker.info.origin, EngineOrigin::CurrentContext { name: "bench".into() });
    assert_eq!((docker.info.version, docker.info.host), (engine.info.version, engine.info.host));
}

#[tokio::test]
async fn a_missing_socket_a_closed_port_and_a_dead_socket_are_told_apart() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let socket = folder.path().join("docker.sock");
    let host = format!("unix://{}", socket.display());
    let error = Docker::connect_to(&host).await.expect_err("no socket");
    assert!(matches!(error, ConnectError::SocketMissing { .. }), "{error}");

    // A socket whose engine is gone.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("socket"));
    let error = Docker::connect_to(&host).await.expect_err("nobody listens");
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");

    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("port").local_addr().expect("address").port();
    let error = Docker::connect_to(&format!("tcp://127.0.0.1:{port}")).await.expect_err("nobody listens");
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    assert_eq!(error.hint().as_deref(), Some("start Docker, or point DOCKER_HOST at an engine that runs"));
}

/// Answers every request with the same body.
async fn answer(body: &'static str) -> (String, tokio::task::JoinHandle<()>) {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let host = format!("tcp://{}", listener.local_addr().expect("address"));
    let answering = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut header = String::new();
            while stream.read_line(&mut header).await.is_ok_and(|read| read > 2) {}
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (host, answering)
}

#[tokio::test]
async fn something_else_than_an_engine_is_not_taken_for_one() {
    let (host, answering) = answer("not docker").await;
    let error = Docker::connect_to(&host).await.expect_err("no engine");
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    answering.abort();
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_refused() {
    let (host, answering) = answer(r#"{"Version":"19.03.15","ApiVersion":"1.40"}"#).await;
    let error = Docker::connect_to(&host).await.expect_err("too old");
    assert!(matches!(&error, ConnectError::TooOld { version, api, .. } if version == "19.03.15" && api == "1.40"), "{error}");
    answering.abort();
}

/// Certificates of a made-up authority: for the engine, and for its client.
struct Certificates {
    ca: String,
    server: (String, String),
    client: (String, String),
}

impl Certificates {
    fn make() -> Self {
        let ca_key = rcgen::KeyPair::generate().expect("key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).expect("authority").pem();
        let issuer = rcgen::Issuer::new(params, ca_key);
        let signed = || {
            let key = rcgen::KeyPair::generate().expect("key");
            let params = rcgen::CertificateParams::new(vec!["localhost".into()]).expect("parameters");
            (params.signed_by(&key, &issuer).expect("certificate").pem(), key.serialize_pem())
        };
        let (server, client) = (signed(), signed());
        Self { ca, server, client }
    }

    /// Answers TLS on a port, only to clients with our certificate, and hands each stream to the engine's socket.
    async fn serve(&self, socket: String) -> u16 {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes()).expect("authority")).expect("root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let chain = vec![CertificateDer::from_pem_slice(self.server.0.as_bytes()).expect("certificate")];
        let key = PrivateKeyDer::from_pem_slice(self.server.1.as_bytes()).expect("key");
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocols")
            .with_client_cert_verifier(clients.build().expect("verifier"))
            .with_single_cert(chain, key)
            .expect("configuration");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
        let port = listener.local_addr().expect("address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, socket) = (acceptor.clone(), socket.clone());
                tokio::spawn(async move {
                    let mut client = acceptor.accept(stream).await?;
                    let mut engine = tokio::net::UnixStream::connect(socket).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut engine).await
                });
            }
        });
        port
    }
}

#[tokio::test]
async fn tls_with_certificates_of_both_sides_works_and_without_fails() {
    let engine = docker().await;
    let Some(socket) = engine.info.host.strip_prefix("unix://") else { panic!("this test needs an engine on a socket") };
    let certificates = Certificates::make();
    let port = certificates.serve(socket.to_owned()).await;
    let folder = tempfile::tempdir().expect("temporary folder");
    let hash = hex::encode(Sha256::digest("secure"));
    let meta = format!(r#"{{"Name":"secure","Endpoints":{{"docker":{{"Host":"tcp://localhost:{port}"}}}}}}"#);
    write(&folder.path().join(format!("contexts/meta/{hash}/meta.json")), meta);
    let tls = folder.path().join(format!("contexts/tls/{hash}/docker"));
    write(&tls.join("ca.pem"), &certificates.ca);
    let surroundings =
        Surroundings { config: Some(folder.path().to_owned()), context: Some("secure".into()), ..Surroundings::default() };

    let error = Docker::connect_from(&surroundings).await.expect_err("no certificate of ours");
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");

    write(&tls.join("cert.pem"), &certificates.client.0);
    write(&tls.join("key.pem"), &certificates.client.1);
    let docker = Docker::connect_from(&surroundings).await.expect("connection");
    assert_eq!(docker.info.version, engine.info.version);

    write(&tls.join("key.pem"), "no key");
    let error = Docker::connect_from(&surroundings).await.expect_err("broken key");
    assert!(matches!(&error, ConnectError::TlsBroken { file, .. } if file.ends_with("key.pem")), "{error}");
}

#[tokio::test]
async fn docker_the_engines_disk_is_measured_from_here_and_from_inside() {
    let docker = Docker::connect().await.unwrap();
    let here = nonevent_engine::docker::disk::disk(&docker, "haproxy:3.2").await.expect("nothing tells how much room there is");
    assert!(here.free <= here.total && here.folder.starts_with('/'), "{here:?}");
    let inside = nonevent_engine::docker::disk::seen_from_inside(&docker, "haproxy:3.2").await.expect("a container sees no disk");
    assert_eq!(inside.1, here.total, "two disks were measured");
}
