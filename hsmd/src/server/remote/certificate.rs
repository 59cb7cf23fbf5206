//! The certificates of instances: each instance has an authority of its own, which signs for it and for its clients.
//!
//! How long they are good is not written in them: the instance's list of good certificates says that, and is asked
//! for each connection.

use std::net::IpAddr;
use std::sync::Arc;

use dew::instance::{Access, Instance};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};

/// Why a certificate cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// It cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS cannot use it.
    #[error("TLS cannot use the instance's certificates: {0}")]
    Tls(String),
    /// It cannot be hashed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

/// A client's certificate.
pub(crate) struct Issued {
    /// PEM.
    pub(crate) certificate: String,
    /// Its private key (PEM).
    pub(crate) key: zeroize::Zeroizing<String>,
    /// SHA-256 of the certificate.
    pub(crate) digest: [u8; 32],
}

/// By what name an instance shows its certificate.
pub(crate) fn server_name(instance: &Instance) -> String {
    format!("{}.claviger", instance.id)
}

/// A certificate as text.
pub(crate) fn pem(certificate: &[u8]) -> Result<String, CertificateError> {
    let text = pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, certificate);
    text.map_err(|error| CertificateError::Tls(error.to_string()))
}

/// SHA-256 of a certificate.
pub(super) fn digest(certificate: &[u8]) -> Result<[u8; 32], CertificateError> {
    let digest = crypto::hash::digest(crypto::Hash::Sha256, certificate)?;
    digest.try_into().map_err(|_| CertificateError::Tls("SHA-256 has 32 bytes".into()))
}

/// A new authority for an instance.
pub(super) fn authority(instance: &Instance) -> Result<Access, CertificateError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = authority_params(instance)?.self_signed(&key)?;
    Ok(Access { authority: certificate.der().to_vec(), key: key.serialize_der(), issued: Vec::new() })
}

/// A certificate for a client, with a new key.
pub(crate) fn for_client(
    instance: &Instance,
    access: &Access,
    client: &str,
) -> Result<Issued, CertificateError> {
    let mut params = named(client)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.signed_by(&key, &issuer(instance, access)?)?;
    Ok(Issued {
        digest: digest(certificate.der())?,
        certificate: certificate.pem(),
        key: key.serialize_pem().into(),
    })
}

/// How an instance serves TLS: it shows a certificate of its authority, and so must the client.
pub(super) fn serving(
    instance: &Instance,
    access: &Access,
    addresses: &[IpAddr],
) -> Result<Arc<ServerConfig>, CertificateError> {
    let tls = |error: &dyn std::fmt::Display| CertificateError::Tls(error.to_string());
    let mut params = named(&instance.name)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let name = server_name(instance).try_into()?;
    params.subject_alt_names = vec![SanType::DnsName(name)];
    params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.signed_by(&key, &issuer(instance, access)?)?;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(access.authority.clone())).map_err(|error| tls(&error))?;
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| tls(&error))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| tls(&error))?
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .map_err(|error| tls(&error))?;
    // Each connection shows its certificate anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn issuer(instance: &Instance, access: &Access) -> Result<Issuer<'static, KeyPair>, CertificateError> {
    let key = KeyPair::try_from(access.key.as_slice())?;
    Ok(Issuer::new(authority_params(instance)?, key))
}

/// The same each time, so that what is signed later names the authority as it is.
fn authority_params(instance: &Instance) -> Result<CertificateParams, CertificateError> {
    let mut params = named(&format!("instance {}", instance.id))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn named(name: &str) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Claviger");
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
