//! A strict client: whatever is cut is an error, even where a browser would quietly ask again.

use std::io::{Error, Result};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection.
pub type Connection = Box<dyn Duplex>;

/// Where an app answers.
#[derive(Clone)]
pub struct Site {
    /// The port on this machine's loopback address, or another address with its port.
    pub address: String,
    /// The host name.
    pub host: String,
    /// Whom to believe, where it is HTTPS.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

impl Site {
    /// A site that is reached by HTTPS, with these protocols and authorities.
    pub fn secure(address: String, host: String, roots: &str, protocols: &[&str]) -> Self {
        let mut store = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(roots.as_bytes()) {
            store.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(store).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Self { address, host, tls: Some(Arc::new(config)) }
    }

    /// Opens a connection.
    pub async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(self.host.clone()).map_err(Error::other)?;
        Ok(Box::new(tokio_rustls::TlsConnector::from(Arc::clone(config)).connect(name, stream).await?))
    }

    /// The head of a request.
    pub fn head(&self, method: &str, path: &str, headers: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.host)
    }
}

/// An answer, and whether its connection may be used again.
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub keeps: bool,
}

/// Reads one answer whole (RFC 9112, section 6.3).
pub async fn read(connection: &mut Connection) -> Result<Answer> {
    let mut bytes = Vec::new();
    let (end, head) = read_head(connection, &mut bytes).await?;
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    let mut body = bytes.split_off(end);
    if field("transfer-encoding:").as_deref() == Some("chunked") {
        while !body.ends_with(b"0\r\n\r\n") {
            more(connection, &mut body).await?;
        }
        body = unchunked(&body);
    } else {
        let length: usize = field("content-length:").and_then(|length| length.parse().ok()).unwrap_or_default();
        while body.len() < length {
            more(connection, &mut body).await?;
        }
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let keeps = field("connection:").as_deref() != Some("close");
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned(), keeps })
}

/// Reads a head; returns where it ends, and its text in small letters.
pub async fn read_head(connection: &mut Connection, bytes: &mut Vec<u8>) -> Result<(usize, String)> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            return Ok((end + 4, head));
        }
        more(connection, bytes).await?;
    }
}

async fn more(connection: &mut Connection, bytes: &mut Vec<u8>) -> Result<()> {
    match connection.read_buf(bytes).await? {
        0 if bytes.is_empty() => Err(Error::other("the connection ended before an answer")),
        0 => Err(Error::other("the connection ended in the middle of an answer")),
        _ => Ok(()),
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap().trim(), 16).unwrap();
        if length == 0 {
            break;
        }
        body.extend_from_slice(&bytes[end + 2..end + 2 + length]);
        bytes = &bytes[end + 4 + length..];
    }
    body
}

/// An open WebSocket (RFC 6455) that sends and receives short texts.
pub struct Socket {
    connection: Connection,
    unread: Vec<u8>,
}

impl Socket {
    /// Opens one.
    pub async fn open(site: &Site, path: &str) -> Result<Self> {
        let mut connection = site.connect().await?;
        let headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bm9uZXZlbnQgdGVzdCBrZQ==\r\n";
        connection.write_all(site.head("GET", path, headers).as_bytes()).await?;
        let mut unread = Vec::new();
        let (end, head) = read_head(&mut connection, &mut unread).await?;
        if !head.starts_with("http/1.1 101") {
            return Err(Error::other(head.lines().next().unwrap_or_default().to_owned()));
        }
        unread.drain(..end);
        Ok(Self { connection, unread })
    }

    /// Opens one as browsers do over a connection by HTTP/2 (RFC 8441).
    pub async fn open_http2(site: &Site, path: &str) -> Result<Self> {
        let connection = TokioIo::new(site.connect().await?);
        let (mut sender, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), connection).await.map_err(Error::other)?;
        tokio::spawn(driver);
        let request = |method: &str, path: &str| {
            hyper::Request::builder()
                .method(method)
                .uri(format!("https://{}{path}", site.host))
                .header("sec-websocket-version", "13")
        };
        // Once an answer came, it is known that the other side takes such requests.
        let get = request("GET", "/version").body(Empty::<Bytes>::new()).map_err(Error::other)?;
        sender.send_request(get).await.map_err(Error::other)?;
        let mut connect = request("CONNECT", path).body(Empty::new()).map_err(Error::other)?;
        connect.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"));
        let answer = sender.send_request(connect).await.map_err(|error| Error::other(format!("{error:?}")))?;
        if answer.status() != 200 {
            return Err(Error::other(answer.status().to_string()));
        }
        let upgraded = hyper::upgrade::on(answer).await.map_err(Error::other)?;
        Ok(Self { connection: Box::new(TokioIo::new(upgraded)), unread: Vec::new() })
    }

    /// Sends a text and returns the one that answers it.
    pub async fn ask(&mut self, text: &str) -> Result<String> {
        self.send(0x1, text.as_bytes()).await?;
        loop {
            match self.receive().await? {
                (0x1, text) => return Ok(String::from_utf8_lossy(&text).into_owned()),
                (0x9, payload) => self.send(0xa, &payload).await?,
                (0x8, _) => return Err(Error::other("the socket was closed")),
                _ => {}
            }
        }
    }

    /// Closes it as both sides should.
    pub async fn close(mut self) -> Result<()> {
        self.send(0x8, &1000_u16.to_be_bytes()).await?;
        while self.receive().await?.0 != 0x8 {}
        Ok(())
    }

    /// Waits for its end, however that comes.
    pub async fn ended(mut self) {
        while self.receive().await.is_ok_and(|(kind, _)| kind != 0x8) {}
    }

    async fn send(&mut self, kind: u8, payload: &[u8]) -> Result<()> {
        let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).ok_or_else(|| Error::other("too long"))?;
        let mut frame = vec![0x80 | kind, 0x80 | length, 1, 2, 3, 4];
        frame.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ [1, 2, 3, 4][index % 4]));
        self.connection.write_all(&frame).await
    }

    async fn receive(&mut self) -> Result<(u8, Vec<u8>)> {
        loop {
            if let [first, length, rest @ ..] = self.unread.as_slice()
                && rest.len() >= usize::from(*length)
            {
                let (kind, length) = (first & 0xf, usize::from(*length));
                let payload = rest[..length].to_vec();
                self.unread.drain(..2 + length);
                return Ok((kind, payload));
            }
            more(&mut self.connection, &mut self.unread).await?;
        }
    }
}
