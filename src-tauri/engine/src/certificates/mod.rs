//! Certificates of our own making: this laptop's authority, and what it signs for local host names.
//!
//! The authority is one key in the state folder, readable by its owner only, and a certificate that may vouch for names below
//! `localhost` and `test` alone (RFC 5280, section 4.2.1.10), so that trusting it opens nothing else. Certificates for real domains are
//! none of its business: the proxy gets those itself, by ACME. Knows no engine and no proxy.

mod error;
pub mod trust;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::{ToSpan, Zoned};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use sha2::{Digest as _, Sha256};

pub use error::CertificateError;

use crate::mask::Secret;

/// The top-level names that never lead outside a machine or a test (RFC 6761, sections 6.2 and 6.3): the authority vouches for no other.
pub const LOCAL_NAMES: [&str; 2] = ["localhost", "test"];

/// Days that the authority lasts.
const AUTHORITY_DAYS: i64 = 3650;
/// Days that a certificate lasts; more than 825 are refused by Apple's systems, even from an authority that a person trusts.
const LEAF_DAYS: i64 = 800;
/// Days before its end from which on a certificate is replaced by the next ship.
const RENEWAL_DAYS: i64 = 400;

const CERTIFICATE_FILE: &str = "authority.pem";
const KEY_FILE: &str = "authority.key";

/// This laptop's certificate authority. Made when it is first needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    folder: PathBuf,
}

/// A certificate for one host name, with its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Key and certificate, PEM.
    pub pem: Secret,
    /// The day on which it ends, as `2028-11-23`.
    pub until: String,
    /// Which authority signed it, see [`Authority::id`].
    pub authority: String,
}

/// Tells whether a host name is one that the authority may vouch for.
pub fn is_local(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    LOCAL_NAMES.contains(&last)
}

/// Tells whether a certificate that ends on this day should be replaced.
pub fn is_due(until: &str) -> bool {
    let day = until.parse::<jiff::civil::Date>();
    let today = Zoned::now().date();
    day.ok().and_then(|day| today.checked_add(RENEWAL_DAYS.days()).ok().map(|then| then >= day)).unwrap_or(true)
}

impl Authority {
    /// The authority of a state folder. Touches nothing.
    pub fn of(data: &Path) -> Self {
        Self { folder: data.join("authority") }
    }

    /// Returns the path of its certificate, PEM; makes the authority if there is none.
    ///
    /// # Errors
    /// When its files cannot be read or written.
    pub fn certificate(&self) -> Result<PathBuf, CertificateError> {
        let path = self.folder.join(CERTIFICATE_FILE);
        if !path.is_file() {
            let key = self.key()?;
            let params = authority(&key)?;
            let certificate = params.self_signed(&key).map_err(CertificateError::Signing)?;
            self.keep(CERTIFICATE_FILE, &certificate.pem())?;
        }
        Ok(path)
    }

    /// Returns a name for the authority that another one does not have: the beginning of its public key's digest, in hex.
    ///
    /// # Errors
    /// When its files cannot be read or written.
    pub fn id(&self) -> Result<String, CertificateError> {
        Ok(id(&self.key()?))
    }

    /// Returns the name by which people find it among the authorities that they trust.
    ///
    /// # Errors
    /// When its files cannot be read or written.
    pub fn name(&self) -> Result<String, CertificateError> {
        Ok(name(&self.key()?))
    }

    /// Makes a certificate for a host name.
    ///
    /// # Errors
    /// When the name is none that it may vouch for, or its files cannot be read or written.
    pub fn issue(&self, host: &str) -> Result<Issued, CertificateError> {
        if !is_local(host) {
            return Err(CertificateError::NotLocal { host: host.to_owned() });
        }
        self.certificate()?;
        let authority_key = self.key()?;
        let key = KeyPair::generate().map_err(CertificateError::Signing)?;
        let (params, until) = leaf(host, LEAF_DAYS)?;
        let id = id(&authority_key);
        let issuer = Issuer::new(authority(&authority_key)?, authority_key);
        let certificate = params.signed_by(&key, &issuer).map_err(CertificateError::Signing)?;
        let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
        Ok(Issued { pem: Secret::new(pem), until, authority: id })
    }

    /// Reads its key, or makes one. Of two processes that make one at once, one wins.
    fn key(&self) -> Result<KeyPair, CertificateError> {
        let path = self.folder.join(KEY_FILE);
        if !path.is_file() {
            let key = KeyPair::generate().map_err(CertificateError::Signing)?;
            self.keep(KEY_FILE, &key.serialize_pem())?;
        }
        let text = std::fs::read_to_string(&path).map_err(|source| CertificateError::File { path: path.clone(), source })?;
        KeyPair::from_pem(&text).map_err(|source| CertificateError::BadKey { path, source })
    }

    /// Writes a file that only its owner reads, unless it is there.
    fn keep(&self, file: &str, content: &str) -> Result<(), CertificateError> {
        let path = self.folder.join(file);
        let failed = |source| CertificateError::File { path: path.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        // A temporary file is made with mode 0600.
        let mut fresh = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        fresh.write_all(content.as_bytes()).and_then(|()| fresh.as_file().sync_all()).map_err(failed)?;
        match fresh.persist_noclobber(&path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(failed(error.error)),
        }
    }
}

/// Makes what a host answers with until an authority gave it a certificate: nobody trusts it, and it ended before it began, so that
/// whoever renews certificates takes it for due. Key and certificate, PEM.
///
/// # Errors
/// When no key can be made.
pub fn placeholder(host: &str) -> Result<Secret, CertificateError> {
    let key = KeyPair::generate().map_err(CertificateError::Signing)?;
    let (params, _) = leaf(host, -1)?;
    let certificate = params.self_signed(&key).map_err(CertificateError::Signing)?;
    Ok(Secret::new(format!("{}{}", key.serialize_pem(), certificate.pem())))
}

/// Makes a key, PEM (PKCS #8).
///
/// # Errors
/// When none can be made.
pub fn fresh_key() -> Result<Secret, CertificateError> {
    Ok(Secret::new(KeyPair::generate().map_err(CertificateError::Signing)?.serialize_pem()))
}

/// The authority's certificate as far as it follows from its key; its dates and number matter to nobody who checks a signature.
fn authority(key: &KeyPair) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(CertificateError::Signing)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "Nonevent");
    subject.push(DnType::CommonName, name(key));
    params.distinguished_name = subject;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: LOCAL_NAMES.map(|name| GeneralSubtree::DnsName(name.to_owned())).into(),
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    });
    last(&mut params, AUTHORITY_DAYS)?;
    Ok(params)
}

fn leaf(host: &str, days: i64) -> Result<(CertificateParams, String), CertificateError> {
    let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(CertificateError::Signing)?;
    let mut subject = DistinguishedName::new();
    // A common name holds 64 characters (RFC 5280, appendix A); who checks a host looks at the alternative names only.
    subject.push(DnType::CommonName, host.chars().take(64).collect::<String>());
    params.distinguished_name = subject;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let until = last(&mut params, days)?;
    Ok((params, until))
}

/// Makes a certificate valid from yesterday (clocks differ) for some days; returns the day of its end. With less than no days it has
/// ended already.
fn last(params: &mut CertificateParams, days: i64) -> Result<String, CertificateError> {
    let today = Zoned::now().date();
    let day = |days: i64| today.checked_add(days.days()).map_err(|_| CertificateError::Calendar);
    let moment = |date: jiff::civil::Date| {
        let (month, day) = (u8::try_from(date.month()), u8::try_from(date.day()));
        rcgen::date_time_ymd(i32::from(date.year()), month.unwrap_or(1), day.unwrap_or(1))
    };
    let (from, until) = (day((days - 1).min(-1))?, day(days)?);
    (params.not_before, params.not_after) = (moment(from), moment(until));
    Ok(until.to_string())
}

fn name(key: &KeyPair) -> String {
    format!("Nonevent on this computer, {}", id(key))
}

fn id(key: &KeyPair) -> String {
    let digest = hex::encode(Sha256::digest(key.public_key_raw()));
    digest.get(..12).unwrap_or(&digest).to_owned()
}

#[cfg(test)]
mod tests;
