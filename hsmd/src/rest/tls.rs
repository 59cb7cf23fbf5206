//! The certificate that the REST interface shows: one that is given, or one of an authority that is made at the first
//! start; and its key, in a file or in a token.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use spki::SubjectPublicKeyInfoRef;
use tokio::task::block_in_place;
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use super::Config;
use super::token_key::{KeyError, Signing, TokenKey};

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {1}", path = .0.display())]
    File(PathBuf, io::Error),
    /// A file does not hold what it should.
    #[error("{path}: {1}", path = .0.display())]
    Pem(PathBuf, String),
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// A certificate is not made for such a key.
    #[error("{0}")]
    Subject(&'static str),
    /// The key in its token cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// TLS cannot use it.
    #[error("TLS cannot use the certificate: {0}")]
    Tls(#[from] rustls::Error),
}

/// What ends TLS, with the certificate of the configuration, or one that is made beside the store.
///
/// # Errors
/// [`TlsError`]
pub(crate) fn acceptor(config: &Config, store: &Path) -> Result<TlsAcceptor, TlsError> {
    let folder = store.parent().unwrap_or(store).join("rest");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth();
    let mut tls = match (&config.token, &config.certificate, &config.key) {
        (Some(place), given, _) => {
            let key = Arc::new(TokenKey::new(place.clone()));
            let resolver: Arc<dyn ResolvesServerCert> = match given {
                Some(given) => Arc::new(SingleCertAndKey::from(for_key(&key, chain(given)?)?)),
                None => {
                    let (shown, folder) = (Mutex::default(), folder.join("token"));
                    Arc::new(Resolver { key, shown, folder, names: names(config) })
                }
            };
            tls.with_cert_resolver(resolver)
        }
        (None, Some(certificate), Some(key)) => tls.with_single_cert(chain(certificate)?, secret(key)?)?,
        (None, ..) => {
            let (certificate, key) = made(&folder, names(config))?;
            tls.with_single_cert(chain(&certificate)?, secret(&key)?)?
        }
    };
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    certificates.map_err(|error| TlsError::Pem(path.into(), error.to_string()))
}

fn secret(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| TlsError::Pem(path.into(), error.to_string()))
}

/// A certificate with the key in the token that it is for.
fn for_key(key: &Arc<TokenKey>, chain: Vec<CertificateDer<'static>>) -> Result<Arc<CertifiedKey>, TlsError> {
    let info = info_of(&chain)?;
    Ok(Arc::new(CertifiedKey::new(chain, Arc::new(Signing::new(key, &info)?))))
}

/// The SubjectPublicKeyInfo of the first certificate.
fn info_of(chain: &[CertificateDer<'_>]) -> Result<Vec<u8>, TlsError> {
    let first = chain.first().ok_or(rustls::Error::NoCertificatesPresented)?;
    Ok(ParsedCertificate::try_from(first)?.subject_public_key_info().to_vec())
}

/// Says why nobody can shake hands: each reason once a minute, and no more than a few.
pub(super) fn tell(why: &dyn std::fmt::Display) {
    const MINUTE: Duration = Duration::from_secs(60);
    const REASONS: usize = 8;
    static SAID: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());
    let why = why.to_string();
    let mut said = SAID.lock();
    said.retain(|_, when| when.elapsed() < MINUTE);
    if said.len() < REASONS && !said.contains_key(&why) {
        error!("no TLS connection can be made: {why}");
        said.insert(why, Instant::now());
    }
}

/// The certificate for a key in a token, made when the token first tells the key's public half: the partition may come
/// later than the daemon.
#[derive(Debug)]
struct Resolver {
    key: Arc<TokenKey>,
    shown: Mutex<Option<Arc<CertifiedKey>>>,
    folder: PathBuf,
    names: Vec<String>,
}

impl Resolver {
    fn certified(&self) -> Result<Arc<CertifiedKey>, TlsError> {
        let public = self.key.public()?;
        let mut shown = self.shown.lock();
        let fits =
            |one: &&Arc<CertifiedKey>| one.key.public_key().is_some_and(|info| info.as_ref() == public);
        if let Some(shown) = shown.as_ref().filter(fits) {
            return Ok(Arc::clone(shown));
        }
        let certificate = self.folder.join("certificate.pem");
        let old = if certificate.exists() { Some(chain(&certificate)?) } else { None };
        let chain = match old {
            Some(old) if info_of(&old)? == public => old,
            _ => {
                let (authority, own) = signed(&Subject::of(&public)?, self.names.clone())?;
                fs::create_dir_all(&self.folder)
                    .map_err(|error| TlsError::File(self.folder.clone(), error))?;
                // The certificate is written last: where it is, the authority's is.
                let place = self.folder.join("ca.pem");
                write(&place, authority.pem().as_bytes(), 0o644)?;
                write(&certificate, own.pem().as_bytes(), 0o644)?;
                info!("a certificate was made for the {}: clients trust {}", self.key, place.display());
                vec![own.der().clone()]
            }
        };
        let new = for_key(&self.key, chain)?;
        *shown = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        block_in_place(|| self.certified()).inspect_err(|error| tell(error)).ok()
    }
}

/// A public key to make a certificate for.
struct Subject<'a> {
    key: &'a [u8],
    algorithm: &'static SignatureAlgorithm,
}

impl<'a> Subject<'a> {
    fn of(info: &'a [u8]) -> Result<Self, TlsError> {
        use spki::ObjectIdentifier as Oid;
        const P256: Oid = Oid::new_unwrap("1.2.840.10045.3.1.7");
        const P384: Oid = Oid::new_unwrap("1.3.132.0.34");
        let unfit =
            || TlsError::Subject("a certificate is made for keys of RSA, P-256, P-384 and Ed25519: give one");
        let info = SubjectPublicKeyInfoRef::try_from(info).map_err(|_| unfit())?;
        let curve = info.algorithm.parameters.and_then(|curve| curve.decode_as::<Oid>().ok());
        let algorithm = match (info.algorithm.oid.to_string().as_str(), curve) {
            ("1.2.840.10045.2.1", Some(P256)) => &PKCS_ECDSA_P256_SHA256,
            ("1.2.840.10045.2.1", Some(P384)) => &PKCS_ECDSA_P384_SHA384,
            ("1.2.840.113549.1.1.1", _) => &PKCS_RSA_SHA256,
            ("1.3.101.112", _) => &PKCS_ED25519,
            _ => return Err(unfit()),
        };
        Ok(Self { key: info.subject_public_key.raw_bytes(), algorithm })
    }
}

impl PublicKeyData for Subject<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// The certificate and key of an earlier start, or new ones: `rest/ca.pem` beside the store is what clients are told to
/// trust.
fn made(folder: &Path, names: Vec<String>) -> Result<(PathBuf, PathBuf), TlsError> {
    let [authority, certificate, key] =
        ["ca.pem", "certificate.pem", "key.pem"].map(|name| folder.join(name));
    // The key is written last: where it is, the rest is.
    if key.exists() {
        return Ok((certificate, key));
    }
    fs::create_dir_all(folder).map_err(|error| TlsError::File(folder.into(), error))?;
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let (root, signed) = signed(&pair, names)?;
    write(&authority, root.pem().as_bytes(), 0o644)?;
    write(&certificate, signed.pem().as_bytes(), 0o644)?;
    write(&key, zeroize::Zeroizing::new(pair.serialize_pem()).as_bytes(), 0o600)?;
    info!("a certificate was made: clients trust {}", authority.display());
    Ok((certificate, key))
}

/// What clients may call this machine.
fn names(config: &Config) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let address = config.listen.map(|address| address.ip()).filter(|address| !address.is_unspecified());
    let address = address.map(|address| address.to_string()).filter(|address| !names.contains(address));
    names.extend(address);
    names.extend(config.names.iter().cloned());
    names
}

/// A new authority, and the certificate of a key that it signed. Its own key is used once and forgotten: nobody can
/// sign with it later.
fn signed(key: &impl PublicKeyData, names: Vec<String>) -> Result<(Certificate, Certificate), TlsError> {
    let own = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let root = authority_params()?.self_signed(&own)?;
    let mut params = named("Claviger REST", names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let signed = params.signed_by(key, &Issuer::new(authority_params()?, own))?;
    Ok((root, signed))
}

fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = named("Claviger REST authority", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn named(name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Claviger");
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

/// Writes a file whole or not at all.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), TlsError> {
    let next = path.with_extension("new");
    let written = (|| {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&next)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&next, path)
    })();
    written.map_err(|error| TlsError::File(path.into(), error))
}
