//! The same over TLS.

use std::io::Write;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::rig::*;
use crate::load::engine::*;

/// A server with a certificate for `localhost`, and the client configuration that trusts it.
fn tls_server(answer: Vec<u8>, requests_per_connection: usize) -> (Server, Tls) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let server = Server::scripted(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        for _ in 0..requests_per_connection {
            if !read_request(&mut stream) || stream.write_all(&answer).is_err() {
                break;
            }
            let _flushed = stream.flush();
        }
        stream.conn.send_close_notify();
        let _flushed = stream.flush();
    });
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (server, trusting(roots))
}

fn trusting(roots: RootCertStore) -> Tls {
    Tls {
        config: Arc::new(
            ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth(),
        ),
        name: ServerName::try_from("localhost").unwrap(),
    }
}

#[test]
fn requests_are_answered_over_tls() {
    let (server, tls) = tls_server(OK.into(), usize::MAX);
    for model in [closed(3), open(2000.0)] {
        let mut config = load(server.address, model, 200);
        config.tls = Some(tls.clone());
        config.connections = 4;
        let summary = all_end(&config, End::Ok);
        assert_eq!(summary.bytes, 200 * OK.len() as u64);
        assert!(summary.connections <= 4);
    }
}

#[test]
fn large_bodies_pass_through_tls_both_ways() {
    let body = "z".repeat(1_000_000);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (server, tls) = tls_server(answer.into(), 1);
    let mut config = load(server.address, closed(2), 6);
    config.tls = Some(tls);
    // A header of this size is read as part of the request.
    let padding = vec![b'p'; 400_000];
    config.request = Request::new("GET", "/", "localhost", &[("X-Pad", &padding)], b"").unwrap();
    let summary = all_end(&config, End::Ok);
    assert!(summary.bytes > 6_000_000);
}

#[test]
fn a_certificate_that_nobody_trusts_ends_the_handshake() {
    let (server, mut tls) = tls_server(OK.into(), usize::MAX);
    let (_other, others) = tls_server(OK.into(), usize::MAX);
    tls.config = others.config;
    let mut config = load(server.address, closed(2), 6);
    config.tls = Some(tls);
    let summary = all_end(&config, End::Tls);
    assert_eq!(summary.sent, 0);
}

#[test]
fn a_server_without_tls_fails_the_handshake() {
    let server = Server::answering("HTTP/1.1 400 Bad Request\r\n\r\n", true);
    let (_other, tls) = tls_server(OK.into(), 1);
    let plain = Server::scripted(|mut stream| {
        let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let mut config = load(plain.address, open(1000.0), 5);
    config.tls = Some(tls);
    let summary = samples(&config).1;
    assert_eq!(summary.count(End::Tls) + summary.count(End::Reset), 5);
    drop(server);
}
