//! The session of a build: the engine's BuildKit calls back for files, secrets and logins, and is called to build.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bollard::health::health_check_response::ServingStatus;
use bollard::health::health_server::{Health, HealthServer};
use bollard::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard::moby::buildkit::v1::control_client::ControlClient;
use bollard::moby::filesync::packet::file_sync_server::FileSyncServer;
use bollard::moby::filesync::v1::auth_server::{Auth, AuthServer};
use bollard::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use futures_util::{Stream, StreamExt as _};
use hyper_util::rt::TokioIo;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use super::files::Files;
use crate::docker::{Docker, Surroundings, Wire, login_for};

/// Bytes of one message that BuildKit accepts; its default of 4 MiB is too small for large build graphs.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// The largest flow-control window of HTTP/2. By it the library also measures how many small frames it accepts before it takes
/// the peer for an attacker: the engine asks for each file of a large context in a frame of its own.
const WINDOW: u32 = (1 << 31) - 1;

/// Methods that the engine may call, as it wants them announced.
const METHODS: [&str; 3] =
    ["/moby.filesync.v1.FileSync/diffcopy", "/moby.buildkit.secrets.v1.Secrets/GetSecret", "/moby.filesync.v1.Auth/Credentials"];

/// An open session; it ends when this goes away.
pub(super) struct Session {
    /// What the engine knows it as.
    pub(super) id: String,
    /// Calls BuildKit.
    pub(super) control: ControlClient<Channel>,
    /// Ends the callbacks when the session goes away; connections that are served outlive the task that accepted them.
    _end: DropGuard,
}

impl Session {
    /// Opens a session on the engine.
    ///
    /// `shared` is the same for builds of the same folder, so that the engine finds what it fetched for the last one.
    ///
    /// # Errors
    /// When the engine has no BuildKit.
    pub(super) async fn open(docker: &Docker, shared: &str, files: Files, secrets: BuildSecrets) -> io::Result<Self> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let mut headers = vec![
            ("X-Docker-Expose-Session-Uuid", id.clone()),
            ("X-Docker-Expose-Session-Name", "nonevent".to_owned()),
            ("X-Docker-Expose-Session-Sharedkey", shared.to_owned()),
        ];
        headers.extend(METHODS.map(|method| ("X-Docker-Expose-Session-Grpc-Method", method.to_owned())));
        let wire = docker.dialer.upgrade("/session", "h2c", &headers).await?;
        let end = CancellationToken::new();
        tokio::spawn(serve(wire, files, secrets, end.clone()));

        // The address is never looked up: the connector reaches the engine whatever it says.
        let endpoint = Endpoint::from_static("http://engine").initial_connection_window_size(WINDOW);
        let channel = endpoint.connect_with_connector(Grpc(docker.clone())).await.map_err(io::Error::other)?;
        let control =
            ControlClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE).max_encoding_message_size(LARGEST_MESSAGE);
        Ok(Self { id, control, _end: end.drop_guard() })
    }
}

async fn serve(wire: Wire, files: Files, secrets: BuildSecrets, end: CancellationToken) {
    // One connection and no other, without the stream's end, which would count as the end of all.
    let incoming = tokio_stream::once(Ok::<_, io::Error>(wire)).chain(futures_util::stream::pending());
    let server = Server::builder()
        .initial_connection_window_size(WINDOW)
        .add_service(HealthServer::new(Alive))
        .add_service(FileSyncServer::new(files).max_decoding_message_size(LARGEST_MESSAGE))
        .add_service(SecretsServer::new(secrets))
        .add_service(AuthServer::new(Logins(Surroundings::of_process())));
    if let Err(error) = server.serve_with_incoming_shutdown(incoming, end.cancelled_owned()).await {
        tracing::debug!(error = %error, "a build session ended");
    }
}

/// Opens the stream on which BuildKit is called.
struct Grpc(Docker);

impl tower_service::Service<tonic::transport::Uri> for Grpc {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Wire>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: tonic::transport::Uri) -> Self::Future {
        let dialer = self.0.dialer.clone();
        Box::pin(async move { dialer.upgrade("/grpc", "h2c", &[]).await.map(TokioIo::new) })
    }
}

/// Values that `RUN --mount=type=secret` sees. They travel only when they are asked for and are never printed.
#[derive(Clone, Default)]
pub(super) struct BuildSecrets(pub(super) BTreeMap<String, Vec<u8>>);

impl std::fmt::Debug for BuildSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl BuildSecrets {
    /// Hides every value, and every line of one, that a tool printed.
    pub(super) fn mask(&self, text: String) -> String {
        let values = self.0.values().filter_map(|value| std::str::from_utf8(value).ok());
        // Very short pieces would hide half of every output and are no secrets.
        let pieces = values.flat_map(str::lines).map(str::trim).filter(|piece| piece.len() >= SHORTEST_SECRET);
        pieces.fold(text, |text, piece| if text.contains(piece) { text.replace(piece, "****") } else { text })
    }
}

const SHORTEST_SECRET: usize = 6;

#[tonic::async_trait]
impl Secrets for BuildSecrets {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let id = &request.get_ref().id;
        match self.0.get(id) {
            Some(value) => Ok(Response::new(GetSecretResponse { data: value.clone() })),
            None => Err(Status::not_found(format!("secret {id} not found"))),
        }
    }
}

/// Logins of registries for base images.
struct Logins(Surroundings);

#[tonic::async_trait]
impl Auth for Logins {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        // A login that cannot be read keeps nobody from what is public.
        let login = login_for(&self.0, &request.get_ref().host).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the engine pulls without a login");
            None
        });
        let answer = login.map(|login| CredentialsResponse { username: login.username, secret: login.password });
        Ok(Response::new(answer.unwrap_or_default()))
    }

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("the engine fetches tokens itself"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("the engine fetches tokens itself"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("the engine fetches tokens itself"))
    }
}

/// Answers the engine's question whether this side still lives.
struct Alive;

#[tonic::async_trait]
impl Health for Alive {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("only `Check` is spoken"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("only `Check` is spoken"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_are_printed() {
        let secrets = BuildSecrets(BTreeMap::from([
            ("token".to_owned(), b"made-up-token\n".to_vec()),
            ("short".to_owned(), b"ab".to_vec()),
            ("binary".to_owned(), vec![0xff, 0xfe]),
        ]));
        assert_eq!(secrets.mask("GET https://ann:made-up-token@host ab".into()), "GET https://ann:****@host ab");
        assert_eq!(format!("{secrets:?}"), r#"{"binary", "short", "token"}"#);
    }
}
