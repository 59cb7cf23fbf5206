//! TLS with one authority alone, on the crypto library that everything here has.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::Fault;

/// The authority in a PEM file, which must have one.
pub(crate) fn authority(pem: &str) -> Result<RootCertStore, Fault> {
    let wrong = || Fault::Certificate("what is given as authority is no certificate in PEM".into());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.map_err(|_| wrong())?).map_err(|_| wrong())?;
    }
    if roots.is_empty() { Err(wrong()) } else { Ok(roots) }
}

/// What a client goes by.
pub(crate) fn client(pem: &str) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Fault::Certificate(error.to_string()))?;
    Ok(config.with_root_certificates(authority(pem)?).with_no_client_auth())
}
