//! TLS 1.2 and 1.3 by rustls; certificates are read again when their file changes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::TlsConfig;

/// How often the files are looked at, at most.
const LOOK: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    modified: Option<SystemTime>,
    looked: Instant,
}

/// The certificate as it is on disk.
#[derive(Debug)]
struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    loaded: Mutex<Loaded>,
}

impl Certificates {
    fn read(&self) -> anyhow::Result<CertifiedKey> {
        read(&self.certificate, &self.key)
    }
}

fn read(certificate: &PathBuf, key: &PathBuf) -> anyhow::Result<CertifiedKey> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("reading the certificate {}", certificate.display()))?;
    let private = PrivateKeyDer::from_pem_file(key).with_context(|| format!("reading the key {}", key.display()))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, private, &provider).context("the key does not belong to the certificate")
}

fn modified(path: &PathBuf) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if loaded.looked.elapsed() > LOOK {
            loaded.looked = Instant::now();
            let modified = modified(&self.certificate).max(modified(&self.key));
            if modified != loaded.modified {
                match self.read() {
                    Ok(key) => {
                        (loaded.key, loaded.modified) = (Arc::new(key), modified);
                        tracing::info!("the certificate was read again");
                    }
                    // Certificate and key are often replaced one after the other: the old pair serves until both fit.
                    Err(error) => tracing::warn!("the new certificate cannot be used yet: {error:#}"),
                }
            }
        }
        Some(Arc::clone(&loaded.key))
    }
}

/// The acceptor of TLS connections; `None` when no certificate is set.
pub fn acceptor(config: &TlsConfig) -> anyhow::Result<Option<tokio_rustls::TlsAcceptor>> {
    let (Some(certificate), Some(key)) = (config.certificate.clone(), config.key.clone()) else { return Ok(None) };
    let modified = modified(&certificate).max(modified(&key));
    let first = Arc::new(read(&certificate, &key)?);
    let loaded = Mutex::new(Loaded { key: first, modified, looked: Instant::now() });
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .context("setting up TLS")?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Certificates { certificate, key, loaded }));
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(tokio_rustls::TlsAcceptor::from(Arc::new(server))))
}
