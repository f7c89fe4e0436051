//! A PostgreSQL server with a certificate of a private authority.

use cluster::Cluster;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::daemon::StateDir;
use super::variant::Variant;

/// A running server whose certificate names `localhost`.
pub(crate) struct Server {
    pub(crate) cluster: Cluster,
    /// The authority that signed its certificate, as PEM text.
    pub(crate) authority: String,
    /// The folder with its certificate.
    _state: StateDir,
    _dir: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> anyhow::Result<Server> {
        let issuer = issuer()?;
        let key = KeyPair::generate()?;
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        let state = StateDir::new(&["postgres", "nobody"])?;
        let certificate = state.write("server.crt", &certificate.pem())?;
        let key = state.write("server.key", &key.serialize_pem())?;
        let (certificate, key) = (certificate.display(), key.display());
        let options = Variant::read()?.options(&[
            ("ssl", "on"),
            ("ssl_cert_file", &certificate.to_string()),
            ("ssl_key_file", &key.to_string()),
            ("fsync", "off"),
        ])?;
        let dir = tempfile::tempdir()?;
        Ok(Server {
            cluster: Cluster::start(&dir.path().join("cluster"), options).await?,
            authority: issuer.pem(),
            _state: state,
            _dir: dir,
        })
    }
}

/// The certificate of another authority, as PEM text.
pub(crate) fn authority() -> anyhow::Result<String> {
    Ok(issuer()?.pem())
}

fn issuer() -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}
