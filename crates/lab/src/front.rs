//! The TLS in front of a system: connections that have shaken hands, with a certificate of a CA of the lab's own.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::serve::Listener;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const DAY: Duration = Duration::from_hours(24);
/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that have shaken hands and wait to be served.
const WAITING: usize = 64;

/// A certificate that was made here, and who vouches for it.
pub(crate) struct Shown {
    /// The CA, for those who are to trust it.
    pub(crate) ca_pem: String,
    acceptor: TlsAcceptor,
}

/// Makes a CA of this name, and a certificate for a host that lasts for a while.
pub(crate) fn make(authority: &str, host: &str, lasts: Duration) -> Result<Shown, String> {
    let (ca, ca_pem) = made_authority(authority).map_err(|e| e.to_string())?;
    let (chain, key) = certificate(&ca, host, lasts).map_err(|e| e.to_string())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(vec![chain], key)
        })
        .map_err(|e| e.to_string())?;
    Ok(Shown {
        ca_pem,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    })
}

fn made_authority(name: &str) -> Result<(Issuer<'static, KeyPair>, String), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((Issuer::new(params, key), certificate.pem()))
}

type ChainAndKey = (CertificateDer<'static>, PrivateKeyDer<'static>);

#[expect(
    clippy::disallowed_methods,
    reason = "the lab stands outside of gonogo's world and has a clock of its own"
)]
fn certificate(
    ca: &Issuer<'static, KeyPair>,
    host: &str,
    lasts: Duration,
) -> Result<ChainAndKey, rcgen::Error> {
    let mut params = CertificateParams::new([host.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, host);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = date_time_ymd(1970, 1, 1) + since.unwrap_or_default();
    params.not_before = now - DAY;
    params.not_after = now + lasts;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, ca)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((certificate.der().clone(), key.into()))
}

/// Connections that have shaken hands; a slow or a bad handshake holds up nobody else.
pub(crate) struct Front {
    addr: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    accepting: JoinHandle<()>,
}

impl Front {
    pub(crate) async fn listen(addr: SocketAddr, shown: &Shown) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let (done, ready) = mpsc::channel(WAITING);
        let accepting = tokio::spawn(accept(listener, shown.acceptor.clone(), done));
        Ok(Self {
            addr,
            ready,
            accepting,
        })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    done: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    loop {
        let (socket, peer) = Listener::accept(&mut listener).await;
        let (acceptor, done) = (acceptor.clone(), done.clone());
        tokio::spawn(async move {
            // Small answers must not wait for a full packet. A socket that refuses is merely slower.
            drop(socket.set_nodelay(true));
            let shaken = tokio::time::timeout(PATIENCE, acceptor.accept(socket)).await;
            if let Ok(Ok(stream)) = shaken {
                drop(done.send((stream, peer)).await);
            }
        });
    }
}

impl Listener for Front {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The acceptor has ended, which happens when this is dropped: nothing comes any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.addr)
    }
}
