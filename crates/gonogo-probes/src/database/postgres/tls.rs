//! TLS to a server: verified by the CA that is given or by the system's.

use std::path::Path;
use std::sync::Arc;

use gonogo_core::record::{Cause, NotObserved};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ctx::trusted_roots;
use crate::database::Asking;
use crate::database::dsn::{Dsn, SslMode};

/// How connections to the address are secured.
pub(super) fn of(ask: &Asking<'_>, dsn: &Dsn) -> Result<MakeRustlsConnect, NotObserved> {
    let ca = dsn.ca.as_deref().map(|ca| ask.ctx.path(ca));
    let roots = trusted_roots(ca.as_deref().map(Path::new))
        .map_err(|message| ask.failed(Cause::Missing, message))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| ask.failed(Cause::Tls, e.to_string()))?
        .with_root_certificates(Arc::clone(&roots))
        .with_no_client_auth();
    if dsn.sslmode == Some(SslMode::VerifyCa) {
        // The targets' reading sees to it that the CA is one that was given.
        let any_name = Arc::new(AnyName { roots, provider });
        config.dangerous().set_certificate_verifier(any_name);
    }
    Ok(MakeRustlsConnect::new(config))
}

/// The same for one host.
pub(super) fn tls_for<S>(
    tls: &mut MakeRustlsConnect,
    host: &str,
) -> <MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match MakeTlsConnect::<S>::make_tls_connect(tls, host) {
        Ok(connect) => connect,
        Err(never) => match never {},
    }
}

/// `verify-ca` as libpq means it: signed by the given CA, in time, and for whatever name.
#[derive(Debug)]
struct AnyName {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
