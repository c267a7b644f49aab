//! One HTTP connection: resolved, connected and, where asked, secured, each part timed.

use std::sync::Arc;
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::syntax::{BaseUrl, Version};
use crate::ctx::{Ctx, trusted_roots};

/// A connection that takes one request at a time.
pub struct Connection {
    sender: Sender,
    /// How long each part took; zero for parts of a connection that was used before.
    pub phases: Phases,
    /// The address that answered.
    pub address: String,
    /// The negotiated version, `1.1` or `2`.
    pub version: &'static str,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// The parts of a connection's making.
#[derive(Clone, Copy, Debug, Default)]
pub struct Phases {
    /// Resolving the name.
    pub dns: Duration,
    /// Connecting.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
}

impl Connection {
    /// Opens one.
    pub async fn open(
        ctx: &Ctx,
        base: &BaseUrl,
        ca: Option<&str>,
        version: Version,
    ) -> Result<Self, NotObserved> {
        if let Some(socket) = &base.socket {
            return Self::over_socket(ctx, base, socket).await;
        }
        let connected = ctx.connect(&base.host, base.port).await?;
        let mut phases = Phases {
            dns: connected.dns,
            connect: connected.connect,
            tls: Duration::ZERO,
        };
        let address = connected.address.to_string();
        if !base.tls {
            let http2 = version == Version::Http2;
            let sender = handshake(ctx, base, connected.stream, http2).await?;
            return Ok(Self::new(sender, phases, address));
        }
        let before = ctx.now();
        let config = tls_config(ctx, base, ca, version)?;
        let name =
            ServerName::try_from(base.host.trim_matches(['[', ']']).to_owned()).map_err(|_| {
                ctx.not_observed(
                    base.origin(),
                    Cause::Tls,
                    format!("`{}` is not a name that a certificate can hold", base.host),
                )
            })?;
        let handshake_tls = TlsConnector::from(config).connect(name, connected.stream);
        let stream = match tokio::time::timeout(ctx.remaining(), handshake_tls).await {
            Err(_) => {
                return Err(ctx.not_observed(
                    base.origin(),
                    Cause::Timeout,
                    "the TLS handshake took too long",
                ));
            }
            Ok(Err(e)) => return Err(tls_failed(ctx, base, &e)),
            Ok(Ok(stream)) => stream,
        };
        phases.tls = before.elapsed();
        let negotiated = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let sender = handshake(ctx, base, stream, negotiated || version == Version::Http2).await?;
        Ok(Self::new(sender, phases, address))
    }

    async fn over_socket(ctx: &Ctx, base: &BaseUrl, socket: &str) -> Result<Self, NotObserved> {
        let before = ctx.now();
        let stream = ctx.connect_unix(socket).await?;
        let phases = Phases {
            connect: before.elapsed(),
            ..Phases::default()
        };
        let sender = handshake(ctx, base, stream, false).await?;
        Ok(Self::new(sender, phases, base.origin()))
    }

    fn new(sender: Sender, phases: Phases, address: String) -> Self {
        let version = match &sender {
            Sender::Http1(_) => "1.1",
            Sender::Http2(_) => "2",
        };
        Self {
            sender,
            phases,
            address,
            version,
        }
    }

    /// Whether another request may be sent on it.
    pub fn is_usable(&self) -> bool {
        match &self.sender {
            Sender::Http1(s) => s.is_ready(),
            Sender::Http2(s) => s.is_ready(),
        }
    }

    /// Marks the connection as used: what its making took belongs to the request before.
    pub fn reused(&mut self) {
        self.phases = Phases::default();
    }

    /// Sends a request and waits for the head of the answer.
    pub async fn send(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, hyper::Error> {
        match &mut self.sender {
            Sender::Http1(s) => {
                s.ready().await?;
                s.send_request(request).await
            }
            Sender::Http2(s) => {
                s.ready().await?;
                s.send_request(request).await
            }
        }
    }
}

async fn handshake<S>(
    ctx: &Ctx,
    base: &BaseUrl,
    stream: S,
    http2: bool,
) -> Result<Sender, NotObserved>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |e: hyper::Error| {
        ctx.not_observed(
            base.origin(),
            Cause::Protocol,
            format!("the HTTP connection could not be set up: {e}"),
        )
    };
    let io = TokioIo::new(stream);
    if http2 {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(64 * 1024)
            .handshake(io)
            .await
            .map_err(failed)?;
        drop(tokio::spawn(connection));
        Ok(Sender::Http2(sender))
    } else {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(64 * 1024)
            .handshake(io)
            .await
            .map_err(failed)?;
        drop(tokio::spawn(connection));
        Ok(Sender::Http1(sender))
    }
}

/// The TLS settings for a target: TLS 1.2 and 1.3, the given CA alone or the system's, never without verification.
pub fn tls_config(
    ctx: &Ctx,
    base: &BaseUrl,
    ca: Option<&str>,
    version: Version,
) -> Result<Arc<ClientConfig>, NotObserved> {
    let path = ca.map(|ca| ctx.path(ca));
    let roots = trusted_roots(path.as_deref())
        .map_err(|message| ctx.not_observed(base.origin(), Cause::Missing, message))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ctx.not_observed(base.origin(), Cause::Tls, e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = match version {
        Version::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Version::Http1 => vec![b"http/1.1".to_vec()],
        Version::Http2 => vec![b"h2".to_vec()],
    };
    Ok(Arc::new(config))
}

fn tls_failed(ctx: &Ctx, base: &BaseUrl, error: &std::io::Error) -> NotObserved {
    let text = error.to_string();
    let mut failed = ctx.not_observed(
        base.origin(),
        Cause::Tls,
        format!("the TLS handshake failed: {text}"),
    );
    let lower = text.to_ascii_lowercase();
    failed.help = Some(if lower.contains("expired") {
        "the certificate, or the CA that signed it, has expired: renew it on the target".to_owned()
    } else if lower.contains("unknownissuer") {
        "the certificate's issuer is not trusted: give its CA with `ca: FILE` on the target"
            .to_owned()
    } else if lower.contains("not valid for name") || lower.contains("notvalidforname") {
        format!("the certificate is for another host than {}", base.host)
    } else if lower.contains("corrupt message") || lower.contains("invalidcontenttype") {
        "the port answers, but not with TLS: is the address plain http?".to_owned()
    } else {
        format!(
            "openssl s_client -connect {}:{} shows the handshake",
            base.host, base.port
        )
    });
    failed
}
