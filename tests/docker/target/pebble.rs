//! A real ACME server on the network of one test, with a name server that leads every host to the proxy.

use std::collections::HashMap;
use std::path::PathBuf;

use bollard::models::{ContainerCreateBody, EndpointSettings, HostConfig, NetworkingConfig};
use bollard::query_parameters::{
    CreateContainerOptions, LogsOptionsBuilder, StartContainerOptions, UploadToContainerOptionsBuilder,
};
use futures_util::StreamExt;
use nonevent_engine::target::Encryption;

use crate::lab::Lab;

const IMAGE: &str = "python:3.13-slim";

/// `httpPort` is where the proxy listens in its container: the authority asks it there, as it would ask port 80.
const CONFIGURATION: &str = r#"{"pebble": {
    "listenAddress": "0.0.0.0:14000", "managementListenAddress": "0.0.0.0:15000",
    "certificate": "/pebble/server.pem", "privateKey": "/pebble/server.key",
    "httpPort": 8080, "tlsPort": 8443, "ocspResponderURL": "", "externalAccountBindingRequired": false,
    "profiles": {"default": {"description": "three months", "validityPeriod": 7776000}}
}}"#;

/// One ACME server.
pub struct Pebble<'a> {
    lab: &'a Lab,
    id: String,
    roots: String,
}

impl<'a> Pebble<'a> {
    /// Starts one beside the proxy, which must be there.
    pub async fn start(lab: &'a Lab) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let roots = params.self_signed(&key).unwrap().pem();
        let issuer = rcgen::Issuer::new(params, key);
        let server_key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["pebble".into()]).unwrap();
        // The same name as its issuer's would make it look as if it had signed itself.
        params.distinguished_name.push(rcgen::DnType::CommonName, "pebble");
        let server = params.signed_by(&server_key, &issuer).unwrap();
        let files = [
            ("server.pem", server.pem().into_bytes(), 0o644),
            ("server.key", server_key.serialize_pem().into_bytes(), 0o600),
            ("pebble.json", CONFIGURATION.as_bytes().to_vec(), 0o644),
            ("pebble", program("pebble"), 0o755),
            ("names", program("pebble-challtestsrv"), 0o755),
        ];
        let id = container(lab, &proxy_address(lab).await).await;
        let mut archive = tar::Builder::new(Vec::new());
        for (name, content, mode) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(mode);
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, format!("pebble/{name}"), content.as_slice()).unwrap();
        }
        let body = bollard::body_full(archive.into_inner().unwrap().into());
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        lab.docker.client.upload_to_container(&id, Some(options), body).await.unwrap();
        lab.docker.client.start_container(&id, None::<StartContainerOptions>).await.unwrap();
        let pebble = Self { lab, id, roots };
        pebble.await_log("ACME directory available").await;
        pebble
    }

    /// How an environment gets its certificate from it.
    pub fn encryption(&self) -> Encryption {
        Encryption::Acme {
            directory: "https://pebble:14000/dir".to_owned(),
            email: Some("ops@shop.test".to_owned()),
            roots: Some(self.roots.clone()),
        }
    }

    /// The certificate that vouches for what it issues, PEM.
    pub async fn root(&self) -> String {
        let code = "import ssl, urllib.request as r; \
            print(r.urlopen('https://pebble:15000/roots/0', context=ssl._create_unverified_context()).read().decode())";
        self.lab.run_in(&self.id, &["python", "-c", code]).await
    }

    /// How many certificates it has issued.
    pub async fn issued(&self) -> usize {
        self.log().await.matches("Issued certificate serial").count()
    }

    /// Leads every host elsewhere, where nobody listens.
    pub async fn mislead(&self) {
        self.lead_to("127.0.0.9").await;
    }

    /// Leads every host to the proxy, as at the beginning.
    pub async fn lead_to_proxy(&self) {
        self.lead_to(&proxy_address(self.lab).await).await;
    }

    async fn lead_to(&self, address: &str) {
        let code = format!(
            "import urllib.request as r; r.urlopen('http://127.0.0.1:8055/set-default-ipv4', b'{{\"ip\": \"{address}\"}}')"
        );
        self.lab.run_in(&self.id, &["python", "-c", &code]).await;
    }

    async fn log(&self) -> String {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
        let mut lines = self.lab.docker.client.logs(&self.id, Some(options));
        let mut text = String::new();
        while let Some(line) = lines.next().await {
            text.push_str(&line.unwrap().to_string());
        }
        text
    }

    async fn await_log(&self, wanted: &str) {
        for _ in 0..200 {
            if self.log().await.contains(wanted) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("pebble never said `{wanted}`:\n{}", self.log().await);
    }
}

/// Removed with everything else of its scope. Authorizations are used again, as public authorities do.
async fn container(lab: &Lab, proxy: &str) -> String {
    let script = format!(
        "/pebble/names -defaultIPv4 {proxy} -defaultIPv6 '' -http01 '' -https01 '' -tlsalpn01 '' & \
         exec /pebble/pebble -config /pebble/pebble.json -strict -dnsserver 127.0.0.1:8053"
    );
    let network = lab.scope.name().to_owned();
    let endpoint = EndpointSettings { aliases: Some(vec!["pebble".to_owned()]), ..EndpointSettings::default() };
    let body = ContainerCreateBody {
        image: Some(IMAGE.to_owned()),
        cmd: Some(["bash", "-c", &script].map(str::to_owned).to_vec()),
        env: Some(vec!["PEBBLE_VA_NOSLEEP=1".to_owned(), "PEBBLE_AUTHZREUSE=100".to_owned()]),
        labels: Some(HashMap::from([("dev.nonevent.scope".to_owned(), network.clone())])),
        host_config: Some(HostConfig { network_mode: Some(network.clone()), ..HostConfig::default() }),
        networking_config: Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(network, endpoint)])) }),
        ..ContainerCreateBody::default()
    };
    lab.docker.client.create_container(None::<CreateContainerOptions>, body).await.unwrap().id
}

async fn proxy_address(lab: &Lab) -> String {
    let proxy = lab.docker.client.inspect_container(&lab.proxy(), None).await.unwrap();
    let networks = proxy.network_settings.unwrap().networks.unwrap();
    networks[lab.scope.name()].ip_address.clone().unwrap()
}

fn program(name: &str) -> Vec<u8> {
    let path = std::env::var_os("PATH").unwrap();
    let found: Option<PathBuf> = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    let found =
        found.unwrap_or_else(|| panic!("this test needs `{name}`: run `scripts/lab pebble`, then eval \"$(scripts/lab env)\""));
    std::fs::read(found).unwrap()
}
