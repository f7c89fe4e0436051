//! TLS towards PostgreSQL.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Trusts the roots that browsers trust, and `extra` ones beside them.
pub(super) fn connector(extra: Option<RootCertStore>) -> MakeRustlsConnect {
    let mut roots = extra.unwrap_or_else(RootCertStore::empty);
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the default versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    MakeRustlsConnect::new(config)
}

/// Reads the certificates of a PEM text; at least one.
pub(super) fn parse_roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|err| err.to_string())?;
        roots.add(certificate).map_err(|err| err.to_string())?;
    }
    if roots.is_empty() {
        return Err("no certificate in the text".to_owned());
    }
    Ok(roots)
}
