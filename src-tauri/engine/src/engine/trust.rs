//! Trust in the certificates of local names.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::Engine;
use crate::certificates::trust::{Laptop, Plan, Subject, Trusting, plan};
use crate::certificates::{Authority, CertificateError};
use crate::error::EngineError;

impl Engine {
    /// Returns the certificate of this home's authority, PEM; makes the authority if there is none.
    ///
    /// # Errors
    /// When its files cannot be read or written.
    pub fn authority(&self) -> Result<PathBuf, EngineError> {
        Ok(Authority::of(&self.home.data).certificate()?)
    }

    /// Tells whether this laptop's system trusts this home's authority; browsers may keep lists of their own.
    ///
    /// # Errors
    /// When the authority's files cannot be read or written.
    pub fn is_trusted(&self) -> Result<bool, EngineError> {
        let path = self.authority()?;
        let own = CertificateDer::from_pem_file(&path)
            .map_err(|error| EngineError::user("certificate", format!("{} cannot be read: {error}", path.display())))?;
        Ok(rustls_native_certs::load_native_certs().certs.contains(&own))
    }

    /// Plans what makes a laptop trust this home's authority, or forget it. Changes nothing on the laptop.
    ///
    /// # Errors
    /// When the authority's files cannot be read or written.
    pub fn plan_trust(&self, laptop: &Laptop, trusting: Trusting) -> Result<Plan, EngineError> {
        let authority = Authority::of(&self.home.data);
        let subject = Subject { path: authority.certificate()?, name: authority.name()?, id: authority.id()? };
        Ok(plan(laptop, &subject, trusting))
    }
}

impl From<CertificateError> for EngineError {
    fn from(error: CertificateError) -> Self {
        let told = Self::user("certificate", error.to_string());
        match error.hint() {
            Some(hint) => told.with_hint(hint),
            None => told,
        }
    }
}
