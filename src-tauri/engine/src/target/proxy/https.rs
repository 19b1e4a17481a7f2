//! HTTPS as the proxy does it: which certificate each host name has, and what that adds to the files of a generation. Pure.
//!
//! A local name's certificate is a file on the volume, named by its content and made by whoever ships. That of a real domain is got
//! and renewed by HAProxy's own ACME client (configuration manual, 12.8), so that no process of ours is needed for it; a script in the
//! worker saves it, because HAProxy writes nothing while it runs. Until it is there, requests by HTTP are served as they come;
//! afterwards `scheme.map` sends them to HTTPS.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{FOLDER, MASTER_PORT, ProxyState};

/// The port inside the container where requests come in by HTTPS.
pub const SECURE_PORT: u16 = 8443;

/// The folder on the volume that holds certificates of local names.
pub const CERTIFICATES: &str = "certificates";

/// The folder on the volume that holds what the ACME client got: the worker's user writes to it.
pub const ACME: &str = "acme";

/// How one host name is served by HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum HostHttps {
    /// With a certificate that lies on the volume.
    Local(Leaf),
    /// With one that the proxy gets from a public authority.
    Acme(AcmeHost),
}

/// A certificate that lies on the volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// Its file, named by its content.
    pub file: String,
    /// The day of its end.
    pub until: String,
    /// Who signed it.
    pub authority: String,
}

/// A certificate that the proxy gets by ACME (RFC 8555).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeHost {
    /// The authority's directory.
    pub directory: String,
    /// Whom it may write to.
    pub email: Option<String>,
    /// Authorities that vouch for the directory itself besides those of the system, PEM.
    pub roots: Option<String>,
    /// How far it is.
    pub issue: Issue,
}

/// How far an ACME certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issue {
    /// A placeholder answers.
    Pending,
    /// It was there once; the proxy renews it.
    Done,
}

impl AcmeHost {
    /// Returns the name of the `acme` section: one for each account.
    pub fn section(&self) -> String {
        let text = format!("{}\n{}", self.directory, self.email.as_deref().unwrap_or_default());
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        format!("account-{}", digest.get(..12).unwrap_or(&digest))
    }

    /// Returns the file of the account's key below [`ACME`].
    pub fn account_key(&self) -> String {
        format!("{}.key", self.section())
    }
}

/// Returns the file of a host's certificate below [`ACME`].
pub fn acme_file(host: &str) -> String {
    format!("{host}.pem")
}

/// Returns the files of local certificates that a state refers to, by their paths on the volume.
pub fn certificate_files(state: &ProxyState) -> BTreeSet<String> {
    hosts(state)
        .filter_map(|(_, https)| match https {
            HostHttps::Local(leaf) => Some(format!("{CERTIFICATES}/{}", leaf.file)),
            HostHttps::Acme(_) => None,
        })
        .collect()
}

/// Returns what of HTTPS is part of the configuration: another one needs a reload.
pub(super) fn fixed(state: &ProxyState) -> Vec<(String, HostHttps)> {
    let without_progress = |https: &HostHttps| match https {
        HostHttps::Acme(acme) => HostHttps::Acme(AcmeHost { issue: Issue::Pending, ..acme.clone() }),
        HostHttps::Local(leaf) => HostHttps::Local(leaf.clone()),
    };
    hosts(state).map(|(host, https)| (host.to_owned(), without_progress(https))).collect()
}

/// Returns the host names that requests reach by HTTPS only.
pub(super) fn secure_only(state: &ProxyState) -> impl Iterator<Item = &str> {
    hosts(state).filter_map(|(host, https)| match https {
        HostHttps::Acme(AcmeHost { issue: Issue::Done, .. }) => Some(host),
        _ => None,
    })
}

/// Returns the files that a generation has for HTTPS.
pub(super) fn files(state: &ProxyState) -> BTreeMap<&'static str, String> {
    let mut list = String::new();
    for (host, https) in hosts(state) {
        let _ = match https {
            HostHttps::Local(leaf) => writeln!(list, "{FOLDER}/{CERTIFICATES}/{} {host}", leaf.file),
            HostHttps::Acme(_) => writeln!(list, "@acme/{} {host}", acme_file(host)),
        };
    }
    let mut files = BTreeMap::from([("certificates.list", list)]);
    if acme(state).next().is_some() {
        files.insert("save.lua", include_str!("scripts/save.lua").to_owned());
    }
    let roots: BTreeSet<&str> = acme(state).filter_map(|(_, acme)| acme.roots.as_deref()).collect();
    if !roots.is_empty() {
        files.insert(ROOTS, roots.into_iter().map(|pem| format!("{}\n", pem.trim())).collect());
    }
    files
}

/// Authorities besides the system's. The folder that it lies in also holds a link to [`SYSTEM_ROOTS`].
pub const ROOTS: &str = "roots/own.pem";
/// Where the proxy's image keeps the authorities of the system.
pub const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Lines for the `global` section.
pub(super) fn global(state: &ProxyState) -> String {
    let mut text = TLS.to_owned();
    if acme(state).next().is_none() {
        return text;
    }
    text.push_str("    expose-experimental-directives\n    tune.lua.bool-sample-conversion normal\n");
    let files: Vec<String> = acme(state).map(|(host, _)| acme_file(host)).collect();
    let _ = writeln!(text, "    lua-load save.lua {MASTER_PORT} {FOLDER}/{ACME} {}", files.join(" "));
    if acme(state).any(|(_, acme)| acme.roots.is_some()) {
        text.push_str("    httpclient.ssl.ca-file \"${NONEVENT_STATE}/roots\"\n");
    }
    text
}

/// Sections of the ACME client, before anything that uses their certificates.
pub(super) fn sections(state: &ProxyState) -> String {
    let mut text = String::new();
    let mut accounts = BTreeMap::new();
    for (host, acme) in acme(state) {
        if text.is_empty() {
            let _ = writeln!(text, "\ncrt-store acme\n    crt-base {FOLDER}/{ACME}");
        }
        let section = acme.section();
        let _ = writeln!(text, "    load crt {} acme {section} domains {host}", acme_file(host));
        accounts.insert(section, acme);
    }
    for (section, account) in accounts {
        let _ = writeln!(text, "\nacme {section}\n    directory '{}'", account.directory);
        if let Some(email) = &account.email {
            let _ = writeln!(text, "    contact '{email}'");
        }
        let _ = writeln!(text, "    account-key {FOLDER}/{ACME}/{}", account.account_key());
        text.push_str("    challenge HTTP-01\n    keytype ECDSA\n    curves P-256\n    map virt@acme\n");
    }
    text
}

/// Rules of the public frontend, after the host is known.
pub(super) fn rules(state: &ProxyState) -> String {
    let port = state.ports.and_then(|ports| ports.https).unwrap_or(443);
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let mut text = String::new();
    if acme(state).next().is_some() {
        // Only what the ACME client asked for: an app that proves itself to an authority of its own keeps its paths.
        text.push_str(CHALLENGE);
    }
    let _ = writeln!(
        text,
        "    http-request redirect code 308 location https://%[var(txn.host)]{port}%[pathq] \
         if !{{ ssl_fc }} {{ var(txn.host),map(scheme.map) -m found }}"
    );
    text
}

const CHALLENGE: &str = r#"    http-request return status 200 content-type text/plain lf-string "%[path,field(-1,/)].%[path,field(-1,/),map(virt@acme)]" if { path_beg /.well-known/acme-challenge/ } { path,field(-1,/),map(virt@acme) -m found }
"#;

/// Mozilla's intermediate profile: every client of the last decade, forward secrecy, authenticated encryption.
const TLS: &str = "    crt-base \"${NONEVENT_STATE}\"
    ssl-default-bind-options ssl-min-ver TLSv1.2 prefer-client-ciphers
    ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
";

fn hosts(state: &ProxyState) -> impl Iterator<Item = (&str, &HostHttps)> {
    state.places.values().flat_map(|place| &place.https).map(|(host, https)| (host.as_str(), https))
}

fn acme(state: &ProxyState) -> impl Iterator<Item = (&str, &AcmeHost)> {
    hosts(state).filter_map(|(host, https)| match https {
        HostHttps::Acme(acme) => Some((host, acme)),
        HostHttps::Local(_) => None,
    })
}
