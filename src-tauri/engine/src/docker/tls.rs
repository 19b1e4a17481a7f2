//! TLS to an engine, with the certificates that the docker CLI uses.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::ConnectError;
use super::context::TlsFiles;

/// Reads the files into a client's configuration: the system's authorities and the given one, the client's own certificate.
pub(super) fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>, ConnectError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(ca) = &files.ca {
        for certificate in certificates(ca)? {
            roots.add(certificate).map_err(|error| broken(ca, &error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| broken(Path::new(""), &error))?
        .with_root_certificates(roots);
    let config = match (&files.cert, &files.key) {
        (Some(cert), Some(key)) => {
            let private = PrivateKeyDer::from_pem_file(key).map_err(|error| broken(key, &error))?;
            builder.with_client_auth_cert(certificates(cert)?, private).map_err(|error| broken(cert, &error))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| broken(file, &error))?;
    certificates.collect::<Result<_, _>>().map_err(|error| broken(file, &error))
}

fn broken(file: &Path, error: &dyn std::fmt::Display) -> ConnectError {
    ConnectError::TlsBroken { file: file.to_owned(), reason: error.to_string() }
}
