//! The example of the design: it loads, lints clean and runs against the lab.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use gonogo_probes::testing::PostgresServer;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::rig::{Lab, RELEASE, SECRET, folder, gonogo};

/// The plan as the design shows it.
const PLAN: &str = include_str!("example.yaml");

/// TLS in front of a plain server, with a certificate of a CA of its own.
struct TlsFront {
    address: SocketAddr,
    ca: String,
    _runtime: tokio::runtime::Runtime,
}

impl TlsFront {
    fn before(url: &str) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = params.self_signed(&key).expect("a CA");
        let pem = ca.pem();
        let issuer = rcgen::Issuer::new(params, key);
        let own_key = rcgen::KeyPair::generate().expect("a key");
        let names = vec!["staging.localhost".to_owned()];
        let certificate = rcgen::CertificateParams::new(names)
            .and_then(|p| p.signed_by(&own_key, &issuer))
            .expect("a certificate");
        let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .expect("a usable certificate");
        let behind: SocketAddr = url
            .trim_start_matches("http://")
            .parse()
            .expect("an address");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut front) = acceptor.accept(stream).await else {
                        return;
                    };
                    let Ok(mut back) = TcpStream::connect(behind).await else {
                        return;
                    };
                    let _ended = tokio::io::copy_bidirectional(&mut front, &mut back)
                        .await
                        .is_ok();
                });
            }
        });
        Self {
            address,
            ca: pem,
            _runtime: runtime,
        }
    }

    fn url(&self) -> String {
        format!("https://staging.localhost:{}", self.address.port())
    }
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

#[test]
fn the_example_of_the_design_lints_clean_and_runs_against_the_lab() {
    let server = PostgresServer::start();
    let dsn = server.url();
    let lab = Lab::on(dsn.parse().expect("a database"), &[]);
    let front = TlsFront::before(&lab.url());
    let folder = folder();
    write(folder.path(), "plan.yaml", PLAN);
    write(folder.path(), "staging-ca.pem", &front.ca);
    write(folder.path(), ".secrets/jwt", &format!("{SECRET}\n"));

    let lint = gonogo(folder.path(), &["lint", "plan.yaml"]);
    assert_eq!(
        (lint.code, lint.stderr.as_str()),
        (0, ""),
        "{}",
        lint.stdout
    );

    let base_url = format!("base_url={}", front.url());
    let release = format!("release={RELEASE}");
    let database = format!("dsn={dsn}");
    let ended = gonogo(
        folder.path(),
        &[
            "run",
            "plan.yaml",
            "--env",
            "staging",
            "--json",
            "-i",
            &base_url,
            "-i",
            &release,
            "-i",
            &database,
        ],
    );
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(ended.outcome("latency/snapstats"), "pass");
    assert_eq!(ended.outcome("unique-names/same-name-refused"), "pass");
}
