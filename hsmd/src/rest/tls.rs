//! The certificate that the REST interface shows: one that is given, or one of an authority that is made at the first
//! start.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tracing::info;

use super::Config;

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
    /// TLS cannot use it.
    #[error("TLS cannot use the certificate: {0}")]
    Tls(#[from] rustls::Error),
}

/// What ends TLS, with the certificate of the configuration, or one that is made beside the store.
///
/// # Errors
/// [`TlsError`]
pub(crate) fn acceptor(config: &Config, store: &Path) -> Result<TlsAcceptor, TlsError> {
    let (certificate, key) = match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => made(config, store)?,
    };
    let pem =
        |path: &Path, error: rustls::pki_types::pem::Error| TlsError::Pem(path.into(), error.to_string());
    let chain = CertificateDer::pem_file_iter(&certificate).map_err(|error| pem(&certificate, error))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| pem(&certificate, error))?;
    let secret = PrivateKeyDer::from_pem_file(&key).map_err(|error| pem(&key, error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, secret)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

/// The certificate and key of an earlier start, or new ones: `rest/ca.pem` beside the store is what clients are told to
/// trust.
fn made(config: &Config, store: &Path) -> Result<(PathBuf, PathBuf), TlsError> {
    let folder = store.parent().unwrap_or(store).join("rest");
    let [authority, certificate, key] =
        ["ca.pem", "certificate.pem", "key.pem"].map(|name| folder.join(name));
    // The key is written last: where it is, the rest is.
    if key.exists() {
        return Ok((certificate, key));
    }
    fs::create_dir_all(&folder).map_err(|error| TlsError::File(folder.clone(), error))?;
    let own = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let root = authority_params()?.self_signed(&own)?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let address = config.listen.map(|address| address.ip()).filter(|address| !address.is_unspecified());
    let address = address.map(|address| address.to_string()).filter(|address| !names.contains(address));
    names.extend(address);
    names.extend(config.names.iter().cloned());
    let mut params = named("Claviger REST", names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    // The authority's own key is used once and forgotten: nobody can sign with it later.
    let signed = params.signed_by(&pair, &Issuer::new(authority_params()?, own))?;
    write(&authority, root.pem().as_bytes(), 0o644)?;
    write(&certificate, signed.pem().as_bytes(), 0o644)?;
    write(&key, zeroize::Zeroizing::new(pair.serialize_pem()).as_bytes(), 0o600)?;
    info!("a certificate was made: clients trust {}", authority.display());
    Ok((certificate, key))
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
