//! HTTPS for an environment's host name: certificates on the proxy's volume, and waiting for those that others give.

use sha2::{Digest as _, Sha256};

use super::DockerTarget;
use super::api::{File, FileContent};
use super::ground::Ground;
use super::route::expect_done;
use super::scope::key;
use crate::certificates::{self, CertificateError};
use crate::target::proxy::{
    self, ACME, AcmeHost, CERTIFICATES, CERTIFY, Exposure, FOLDER, HostHttps, Issue, Leaf, Ports, ProxyState, acme_file,
};
use crate::target::{Encryption, Fence, Foundation, Place, TargetError};

/// Halves of a second that an authority has to give a certificate: it looks at the host itself, sometimes from several places.
const PATIENCE: u32 = 180;
/// Halves of a second in one call: a connection to the engine that is silent for long may be cut on its way.
const TURN: u32 = 10;

impl DockerTarget {
    /// Decides how a host name is served by HTTPS, and puts on the volume what that needs. What is there and still good stays.
    pub(super) async fn host_https(
        &self,
        ground: &Ground,
        place: &Place,
        host: &str,
        wanted: &Encryption,
    ) -> Result<Option<HostHttps>, TargetError> {
        let before = self.read_state(ground).await?.places.remove(&key(place)).and_then(|mut here| here.https.remove(host));
        match (wanted, &self.options.authority) {
            (Encryption::Off, _) | (Encryption::Local, None) => Ok(None),
            (Encryption::Local, Some(authority)) => {
                let refused = |error| no_certificate(host, &error);
                if let Some(HostHttps::Local(leaf)) = &before
                    && leaf.authority == authority.id().map_err(refused)?
                    && !certificates::is_due(&leaf.until)
                {
                    return Ok(before);
                }
                let issued = authority.issue(host).map_err(refused)?;
                let pem = issued.pem.reveal().as_bytes();
                let digest = hex::encode(Sha256::digest(pem));
                let file = format!("{host}.{}.pem", digest.get(..12).unwrap_or(&digest));
                let path = format!("{CERTIFICATES}/{file}");
                self.put_certificates(ground, CERTIFICATES, &[(&path, pem)]).await?;
                Ok(Some(HostHttps::Local(Leaf { file, until: issued.until, authority: issued.authority })))
            }
            (Encryption::Acme { directory, email, roots }, _) => {
                let issue = match &before {
                    Some(HostHttps::Acme(before)) if before.directory == *directory => before.issue,
                    _ => Issue::Pending,
                };
                let acme = AcmeHost { directory: directory.clone(), email: email.clone(), roots: roots.clone(), issue };
                self.put_placeholders(ground, host, &acme).await?;
                Ok(Some(HostHttps::Acme(acme)))
            }
        }
    }

    /// Makes the proxy anew so that it is reached from outside, when an environment needs that and nothing else serves yet.
    pub(super) async fn expose(&self, ground: &Ground, foundation: &Foundation) -> Result<(), TargetError> {
        let wanted = self.options.exposure;
        let needed = matches!(foundation.https, Encryption::Acme { .. }) && foundation.domain.is_some();
        if !needed || wanted == Exposure::Machine || ground.ports.exposure == wanted {
            return Ok(());
        }
        let host = || foundation.domain.clone().unwrap_or_default();
        let setup = self.hold_setup().await?;
        let exposed = match self.read_generation(ground).await? {
            Some(generation) if generation.state.places.is_empty() => {
                let (http, https) = match self.options.port {
                    super::PortChoice::Usual => (80, Some(443)),
                    super::PortChoice::Fixed(_) | super::PortChoice::Ephemeral => (ground.ports.http, ground.ports.https),
                };
                let ports = Ports { http, https, exposure: wanted, ..ground.ports };
                self.replace_empty_proxy(ground, ProxyState { ports: Some(ports), ..generation.state }).await
            }
            _ => Err(TargetError::NotExposed { host: host() }),
        };
        self.free_setup(setup).await?;
        exposed?;
        self.ensure_ground().await.map(|_| ())
    }

    /// Waits until the ACME client has a certificate for a host, if that is where it comes from, and sends requests to HTTPS then.
    pub(super) async fn await_certificate(&self, fence: &Fence, ground: &Ground, host: Option<&str>) -> Result<(), TargetError> {
        let state = self.read_state(ground).await?;
        let here = state.places.get(&key(&fence.place));
        let Some((host, HostHttps::Acme(acme))) = host.and_then(|host| Some((host, here?.https.get(host)?))) else {
            return Ok(());
        };
        let before = self.acme_said(ground, host).await?;
        // After a failure the client waits for minutes; whoever ships again has mended something, and a new worker tries at once.
        let mut attempt =
            if before.last().is_some_and(|said| said.contains("retrying")) { Attempt::Fresh } else { Attempt::Present };
        let mut left = PATIENCE;
        while !self.is_certified(ground, host, TURN.min(left), attempt).await? {
            attempt = Attempt::Present;
            left = left.saturating_sub(TURN);
            let said = self.acme_said(ground, host).await?;
            let refused =
                said.iter().skip(before.len()).any(|said| said.contains("challenge error") || said.contains("Aborting"));
            if refused || left == 0 {
                let telling = said.into_iter().rev().find(|said| !said.starts_with("Starting"));
                let reason = telling.unwrap_or_else(|| "the authority has not answered yet".to_owned());
                return Err(TargetError::NoCertificate { host: host.to_owned(), reason, hint: Some(not_given(host)) });
            }
        }
        if acme.issue == Issue::Done {
            return Ok(());
        }
        let done = |state: &mut ProxyState| {
            let https = state.places.get_mut(&key(&fence.place)).and_then(|here| here.https.get_mut(host));
            if let Some(HostHttps::Acme(acme)) = https {
                acme.issue = Issue::Done;
            }
            Ok(())
        };
        self.change(Some(fence), &fence.place, None, done).await.map(|_| ())
    }

    async fn is_certified(&self, ground: &Ground, host: &str, rounds: u32, attempt: Attempt) -> Result<bool, TargetError> {
        let variables = vec![
            ("CERTIFICATE", format!("@acme/{}", acme_file(host))),
            ("ROUNDS", rounds.to_string()),
            ("FRESH", if attempt == Attempt::Fresh { "yes" } else { "no" }.to_owned()),
        ];
        let printed = self.run_script(ground, CERTIFY, variables).await?;
        expect_done("ask for the certificate", &printed)?;
        let sections = proxy::sections(&printed.output);
        Ok(sections.iter().any(|section| section.name == "certificate" && section.text.trim() == "valid"))
    }

    /// Returns what the ACME client said about a host, as far as its log reaches back.
    async fn acme_said(&self, ground: &Ground, host: &str) -> Result<Vec<String>, TargetError> {
        let mark = format!("acme: @acme/{}: ", acme_file(host));
        let lines = self.last_lines(&ground.container, 500).await?;
        let said = lines.iter().filter_map(|line| line.split_once(mark.as_str())).map(|(_, said)| said.trim().to_owned());
        Ok(said.collect())
    }

    /// Puts an account's key and a certificate that nobody trusts where the ACME client expects its own, unless they are there.
    async fn put_placeholders(&self, ground: &Ground, host: &str, acme: &AcmeHost) -> Result<(), TargetError> {
        let refused = |error| no_certificate(host, &error);
        let key = format!("{ACME}/{}", acme.account_key());
        if self.api.download(&ground.container, &format!("{FOLDER}/{key}")).await?.is_none() {
            let fresh = certificates::fresh_key().map_err(refused)?;
            self.put_certificates(ground, ACME, &[(&key, fresh.reveal().as_bytes())]).await?;
        }
        let certificate = format!("{ACME}/{}", acme_file(host));
        if self.api.download(&ground.container, &format!("{FOLDER}/{certificate}")).await?.is_none() {
            let placeholder = certificates::placeholder(host).map_err(refused)?;
            self.put_certificates(ground, ACME, &[(&certificate, placeholder.reveal().as_bytes())]).await?;
        }
        Ok(())
    }

    /// Writes files with keys. The workers' user reads them, and writes to their folder; so does whoever checks a configuration, who is
    /// root without any power over other people's files; nobody else does.
    async fn put_certificates(&self, ground: &Ground, folder: &str, files: &[(&str, &[u8])]) -> Result<(), TargetError> {
        let user = self.image_user(&self.options.proxy_image, &ground.container).await?.0;
        let owner = (user, 0);
        let mut all = vec![File { path: folder, content: FileContent::Folder, mode: 0o770, owner }];
        all.extend(files.iter().map(|(path, bytes)| File { path, content: FileContent::Bytes(bytes), mode: 0o640, owner }));
        self.api.upload(&ground.container, FOLDER, &all).await
    }
}

/// Which attempt to get a certificate is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// The one that goes on, or the next.
    Present,
    /// A new one, unless there is a certificate.
    Fresh,
}

fn no_certificate(host: &str, error: &CertificateError) -> TargetError {
    TargetError::NoCertificate { host: host.to_owned(), reason: error.to_string(), hint: error.hint() }
}

fn not_given(host: &str) -> String {
    format!(
        "see that {host} leads to this engine's machine from everywhere, and that port 80 is open to the world: the authority asks there. \
         `https = \"off\"` ships without it"
    )
}
