//! TLS towards PostgreSQL and other servers: which authorities are trusted.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Error;

/// The authorities whose certificates are accepted: those of the system, as with Spin, and perhaps more.
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` name others than the system's, as they do for OpenSSL.
#[derive(Clone, Debug)]
pub struct Trust(Arc<RootCertStore>);

impl Trust {
    /// The authorities of the system, read once per process; those that browsers trust where the system has none.
    #[must_use]
    pub fn system() -> Self {
        static SYSTEM: OnceLock<Trust> = OnceLock::new();
        let read = || {
            let mut roots = RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!("reading the system's certificate authorities: {error}");
            }
            // Systems carry certificates that no longer parse; the others still count.
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            Self(Arc::new(roots))
        };
        SYSTEM.get_or_init(read).clone()
    }

    /// These, and the authorities whose certificates are in `pem`; at least one.
    ///
    /// # Errors
    /// If the text holds no certificate, or one that is malformed.
    pub fn with(&self, pem: &str) -> Result<Self, Error> {
        let mut roots = (*self.0).clone();
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let malformed = |err: String| Error::Certificate(err);
            let certificate = certificate.map_err(|err| malformed(err.to_string()))?;
            roots
                .add(certificate)
                .map_err(|err| malformed(err.to_string()))?;
        }
        if roots.len() == before {
            return Err(Error::Certificate("no certificate in the text".to_owned()));
        }
        Ok(Self(Arc::new(roots)))
    }

    /// A client's configuration of TLS that accepts no other certificates.
    #[must_use]
    pub fn client_config(&self) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions of TLS")
            .with_root_certificates(self.0.clone())
            .with_no_client_auth()
    }

    pub(super) fn connector(&self) -> MakeRustlsConnect {
        MakeRustlsConnect::new(self.client_config())
    }
}
