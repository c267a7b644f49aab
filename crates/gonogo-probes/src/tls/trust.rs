//! Whether the certificates are to be trusted, pure: to a CA, for a name, by a pin.

use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};

use super::certificate::{Read, sha256};

/// Whether the first certificate leads to one of the roots by way of the others; in words why not.
pub(super) fn to_a_root(
    chain: &[Vec<u8>],
    read: &[Read],
    roots: &RootCertStore,
    now: UnixTime,
) -> Result<(), String> {
    let Some(leaf) = chain.first() else {
        return Err("the server sent no certificate".to_owned());
    };
    verify(leaf, &chain[1..], roots, now).map_err(|e| words(&e, chain, read, roots))
}

/// Whether the first certificate is for the name; in words why not.
pub(super) fn for_name(leaf: &[u8], name: &ServerName<'_>) -> bool {
    let leaf = CertificateDer::from(leaf);
    ParsedCertificate::try_from(&leaf).is_ok_and(|leaf| verify_server_name(&leaf, name).is_ok())
}

/// Whether a pin is the key of the first certificate, or of one by which the first is verified. One that only lies
/// beside the others pins nothing: anybody can send it along (RFC 7469, 2.6, speaks of the validated chain).
pub(super) fn is_pinned(
    chain: &[Vec<u8>],
    read: &[Read],
    pins: &[[u8; 32]],
    now: UnixTime,
) -> bool {
    let Some(leaf) = chain.first() else {
        return false;
    };
    read.iter().enumerate().any(|(place, one)| {
        if !one
            .spki
            .as_deref()
            .is_some_and(|key| pins.contains(&sha256(key)))
        {
            return false;
        }
        if place == 0 {
            return true;
        }
        let mut only = RootCertStore::empty();
        let added = only.add(CertificateDer::from(chain[place].as_slice()));
        added.is_ok() && verify(leaf, &chain[1..], &only, now).is_ok()
    })
}

fn verify(
    leaf: &[u8],
    others: &[Vec<u8>],
    roots: &RootCertStore,
    now: UnixTime,
) -> Result<(), Error> {
    let leaf = CertificateDer::from(leaf);
    let others: Vec<CertificateDer<'_>> = others
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let known = ring::default_provider().signature_verification_algorithms;
    verify_server_cert_signed_by_trust_anchor(
        &ParsedCertificate::try_from(&leaf)?,
        roots,
        &others,
        now,
        known.all,
    )
}

fn words(error: &Error, chain: &[Vec<u8>], read: &[Read], roots: &RootCertStore) -> String {
    let Error::InvalidCertificate(problem) = error else {
        return format!("the certificate is not accepted: {error}");
    };
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "a certificate of the chain has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "a certificate of the chain is not valid yet".to_owned()
        }
        CertificateError::UnknownIssuer => unknown_issuer(chain, read, roots),
        CertificateError::BadSignature => {
            "a certificate of the chain was not signed by the one that it names".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the certificate is not one for a server".to_owned()
        }
        other => format!("the certificate is not accepted: {other}"),
    }
}

/// Which issuer is missing: the first that is neither sent nor a CA that is known.
fn unknown_issuer(chain: &[Vec<u8>], read: &[Read], roots: &RootCertStore) -> String {
    let Some(first) = read.first() else {
        return "the server's certificate cannot be read".to_owned();
    };
    if first.self_signed {
        return "the certificate signed itself, and is not the CA that is trusted".to_owned();
    }
    let mut at = first;
    for _ in 0..=chain.len() {
        if roots
            .roots
            .iter()
            .any(|root| root.subject.as_ref() == at.issuer_content())
        {
            return format!(
                "a CA of the name {} is trusted, but it did not sign this",
                at.issuer
            );
        }
        match read.iter().find(|other| other.subject_der == at.issuer_der) {
            Some(next) if next.self_signed => {
                return format!("the CA {} is not one that is trusted", next.subject);
            }
            Some(next) => at = next,
            None => {
                return format!(
                    "the issuer {} was not sent and is no CA that is trusted: a certificate in between is missing, or the CA is not known",
                    at.issuer
                );
            }
        }
    }
    "the certificates lead in a circle".to_owned()
}
