//! Targets that say what no honest server would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A listener on loopback; each connection is answered on a thread of its own, all end with the test process.
pub(super) struct Target {
    address: SocketAddr,
}

impl Target {
    /// Gives each connection to a function.
    pub(super) fn on_connection(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(stream));
            }
        });
        Self { address }
    }

    /// Answers each request by its path, and closes.
    pub(super) fn routes(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::on_connection(move |mut stream| {
            let path = path_asked(&mut stream);
            let _closed = stream.write_all(&answer(&path)).is_err();
        })
    }

    /// Answers everything with the same bytes, and closes.
    pub(super) fn always(bytes: Vec<u8>) -> Self {
        Self::routes(move |_| bytes.clone())
    }

    /// Says so much and then nothing more, until the other side goes away.
    pub(super) fn stuck_after(bytes: &'static [u8]) -> Self {
        Self::on_connection(move |mut stream| {
            let _path = path_asked(&mut stream);
            if stream.write_all(bytes).is_ok() {
                wait_until_closed(&mut stream);
            }
        })
    }

    /// Answers over TLS with a certificate that nobody signed, for these names and until then.
    pub(super) fn tls(folder: &Path, names: &[&str], until: (i32, u8, u8)) -> Self {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut wanted = rcgen::CertificateParams::new(names).expect("names");
        wanted.not_before = rcgen::date_time_ymd(2000, 1, 1);
        wanted.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        let key = rcgen::KeyPair::generate().expect("a key");
        let made = wanted.self_signed(&key).expect("a certificate");
        std::fs::write(folder.join("ca.pem"), made.pem()).expect("the CA is written");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.der().clone()], key)
            .expect("a configuration");
        let config = Arc::new(config);
        Self::on_connection(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a session");
            let mut stream = StreamOwned::new(connection, stream);
            let _path = path_asked(&mut stream);
            let _closed = stream.write_all(&json(200, r#"{"value": 1.5}"#)).is_err();
            stream.conn.send_close_notify();
            let _closed = stream.flush().is_err();
        })
    }

    /// Its address, `127.0.0.1:port`.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for an HTTP client.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Reads a request to the end of its head and gives its path; empty where there was none.
pub(super) fn path_asked(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0u8; 1];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 64 * 1024 {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return String::new(),
        }
    }
    let text = String::from_utf8_lossy(&head);
    let path = text.split(' ').nth(1).unwrap_or("");
    path.to_owned()
}

/// Reads until the other side goes away.
pub(super) fn wait_until_closed(stream: &mut TcpStream) {
    let mut buffer = [0u8; 4096];
    while stream.read(&mut buffer).is_ok_and(|n| n > 0) {}
}

/// An answer with JSON.
pub(super) fn json(status: u16, body: &str) -> Vec<u8> {
    crate::rig::answer(status, "application/json", body.as_bytes())
}

/// An answer with these headers and this body, exactly as they stand.
pub(super) fn with_headers(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n")
            .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A name that no resolver may ever know (RFC 6761, 6.4).
pub(super) const NO_SUCH_HOST: &str = "gonogo-matrix.invalid";
