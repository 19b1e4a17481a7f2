//! The raw wire to an engine: opens streams, carries the client's requests, upgrades a request to a stream of its own.
//!
//! One dialer serves the API client and BuildKit's sessions alike. Knows nothing of what is said on the wire.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Uri};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

use super::address::Address;

/// How long opening a stream may take.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens streams to one engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Dialer {
    address: Address,
    tls: Option<Arc<ClientConfig>>,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("address", &self.address).field("tls", &self.tls.is_some()).finish()
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An open stream to an engine.
pub(crate) struct Wire(Box<dyn Duplex>);

impl Dialer {
    pub(super) fn new(address: Address, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { address, tls }
    }

    /// Returns the path of the Unix socket, where the engine listens on one.
    pub(crate) fn socket(&self) -> Option<&std::path::Path> {
        match &self.address {
            Address::Unix(path) => Some(path),
            Address::Tcp { .. } | Address::Pipe(_) => None,
        }
    }

    /// Opens a stream.
    pub(crate) async fn dial(&self) -> io::Result<Wire> {
        tokio::time::timeout(DIAL_TIMEOUT, self.open())
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "nothing answered within 10 seconds")))
    }

    async fn open(&self) -> io::Result<Wire> {
        match &self.address {
            #[cfg(unix)]
            Address::Unix(path) => Ok(Wire(Box::new(tokio::net::UnixStream::connect(path).await?))),
            #[cfg(not(unix))]
            Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
            #[cfg(windows)]
            Address::Pipe(name) => Ok(Wire(Box::new(tokio::net::windows::named_pipe::ClientOptions::new().open(name)?))),
            #[cfg(not(windows))]
            Address::Pipe(_) => Err(io::ErrorKind::Unsupported.into()),
            Address::Tcp { host, port } => {
                let port = port.unwrap_or(if self.tls.is_some() { 2376 } else { 2375 });
                let stream = tokio::net::TcpStream::connect((host.as_str(), port)).await?;
                stream.set_nodelay(true)?;
                let Some(tls) = &self.tls else { return Ok(Wire(Box::new(stream))) };
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                Ok(Wire(Box::new(TlsConnector::from(tls.clone()).connect(name, stream).await?)))
            }
        }
    }

    /// Sends a POST that asks for an upgrade, such as `/session`, and hands over the stream once the engine agreed.
    pub(crate) async fn upgrade(&self, path: &str, protocol: &str, headers: &[(&str, String)]) -> io::Result<Wire> {
        let wire = self.dial().await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(wire)).await.map_err(io::Error::other)?;
        let connection = tokio::spawn(connection.with_upgrades());
        let mut request = Request::post(path)
            .header(hyper::header::HOST, "docker")
            .header(hyper::header::CONNECTION, "Upgrade")
            .header(hyper::header::UPGRADE, protocol);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        if response.status() != hyper::StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status();
            let body = response.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            connection.abort();
            return Err(io::Error::other(format!("{path} answered {status}: {}", String::from_utf8_lossy(&body).trim())));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(io::Error::other)?;
        Ok(Wire(Box::new(TokioIo::new(upgraded))))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl tonic::transport::server::Connected for Wire {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

/// The connector of the API client: whatever the URI says, the engine is dialed.
impl tower_service::Service<Uri> for Dialer {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Wire>>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move { dialer.dial().await.map(TokioIo::new) })
    }
}
