//! One whole handshake, by `rustls`: what it chose, and the certificates as the server sent them.
//!
//! The certificates are looked at after the handshake, whatever they are: that is what the probe is for. That the server
//! holds the key of its certificate is verified within it, as in every handshake. Nothing is sent over the connection.

use std::sync::{Arc, Mutex, PoisonError};

use gonogo_core::record::{Cause, NotObserved};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::answer::MAX_CHAIN;
use super::syntax::Place;
use crate::ctx::Ctx;

/// What came of the handshake.
#[derive(Default)]
pub(super) struct Shaken {
    /// The certificates as sent, the server's own first.
    pub(super) chain: Vec<Vec<u8>>,
    /// Whether the server proved that it holds the key of the first.
    pub(super) proved: bool,
    /// The stapled OCSP response; empty where there is none.
    pub(super) ocsp: Vec<u8>,
    /// The suite that was chosen, where the handshake came to an end.
    pub(super) suite: Option<u16>,
    /// The group of the key exchange.
    pub(super) group: Option<u16>,
    /// The version, by its code.
    pub(super) version: Option<u16>,
    /// Why it came to none.
    pub(super) failed: Option<String>,
}

/// Shakes hands. An error only where nobody can be reached.
pub(super) async fn shake(
    ctx: &Ctx,
    place: &Place,
    name: &ServerName<'static>,
) -> Result<Shaken, NotObserved> {
    let connected = ctx.connect(&place.host, place.port).await?;
    let provider = Arc::new(ring::default_provider());
    let looking = Arc::new(Looking {
        provider: Arc::clone(&provider),
        seen: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ctx.not_observed(place.to_string(), Cause::Tls, e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&looking) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name.clone(), connected.stream);
    let ended = match tokio::time::timeout(ctx.remaining(), connecting).await {
        Err(_) => {
            let message = "the TLS handshake took too long";
            let mut gap = ctx.not_observed(place.to_string(), Cause::Timeout, message);
            gap.help = Some("is it the port of TLS, and not the plain one?".to_owned());
            return Err(gap);
        }
        Ok(ended) => ended,
    };
    let mut shaken = {
        let mut seen = looking.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *seen)
    };
    match ended {
        Ok(stream) => {
            let (_, connection) = stream.get_ref();
            shaken.suite = connection
                .negotiated_cipher_suite()
                .map(|suite| u16::from(suite.suite()));
            shaken.group = connection
                .negotiated_key_exchange_group()
                .map(|group| u16::from(group.name()));
            shaken.version = connection.protocol_version().map(u16::from);
        }
        Err(e) => shaken.failed = Some(e.to_string()),
    }
    Ok(shaken)
}

/// Keeps what is to be looked at.
#[derive(Debug)]
struct Looking {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Shaken>,
}

impl std::fmt::Debug for Shaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shaken({} certificates)", self.chain.len())
    }
}

impl Looking {
    fn note(&self, change: impl FnOnce(&mut Shaken)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates);
        let chain = all.take(MAX_CHAIN).map(|c| c.as_ref().to_vec()).collect();
        self.note(|seen| {
            seen.chain = chain;
            seen.ocsp = ocsp_response.to_vec();
        });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        let valid = verify_tls12_signature(message, cert, dss, known)?;
        self.note(|seen| seen.proved = true);
        Ok(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        let valid = verify_tls13_signature(message, cert, dss, known)?;
        self.note(|seen| seen.proved = true);
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}
