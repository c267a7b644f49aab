//! The observing: sign in, `PING`, `INFO`, and where asked a key there and back.

use std::sync::Arc;
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use ring::rand::SecureRandom as _;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::observed::{Answered, RoundTrip, seen};
use super::syntax::{Place, RedisOptions, RedisTarget, Way};
use super::wire::{Broken, Reply, Wire};
use crate::ctx::Ctx;
use crate::http::{BaseUrl, Version, tls_config};
use crate::json_api::shortened;
use crate::probe::{Call, Seen};

/// How long the key of a round trip lives where it is not removed, in seconds.
const KEY_LIVES: &str = "60";

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| call.ctx.not_observed("redis", Cause::BadOptions, message);
    let options: RedisOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let target = call
        .target
        .ok_or_else(|| bad("the environment has no redis target".to_owned()))?;
    let settings: RedisTarget =
        serde_json::from_value(target.options.clone()).map_err(|e| bad(e.to_string()))?;
    let place = Place::parse(&settings.redis).map_err(bad)?;
    let asking = Asking {
        ctx: call.ctx,
        place: &place,
        settings: &settings,
    };
    let mut session = asking.open().await?;
    asking.sign_in(&mut session).await?;
    let before = call.ctx.now();
    let pong = asking.text(&mut session, &["PING"]).await?;
    let latency = before.elapsed();
    if pong != "PONG" {
        return Err(asking.not_redis(&format!("`{}` to PING", shortened(&pong))));
    }
    let info = asking.text(&mut session, &["INFO"]).await?;
    let round_trip = if options.round_trip {
        Some(asking.round_trip(&mut session).await?)
    } else {
        None
    };
    let is_open = match settings.password {
        None => true,
        Some(_) => asking.answers_strangers().await?,
    };
    let answered = Answered {
        info: &info,
        latency,
        is_open,
        round_trip,
    };
    let mut seen = seen(&answered).ok_or_else(|| asking.not_redis("an INFO without a version"))?;
    let engine = seen.target.take().and_then(|t| t.engine);
    seen.target = Some(TargetSeen {
        name: target.name.clone(),
        address: place.shown(),
        engine,
    });
    Ok(seen)
}

type Session = Wire<Box<dyn Stream>>;

struct Asking<'a> {
    ctx: &'a Ctx,
    place: &'a Place,
    settings: &'a RedisTarget,
}

impl Asking<'_> {
    async fn open(&self) -> Result<Session, NotObserved> {
        let stream: Box<dyn Stream> = match &self.place.way {
            Way::Unix(path) => Box::new(self.ctx.connect_unix(path).await?),
            Way::Tcp { host, port, tls } => {
                let connected = self.ctx.connect(host, *port).await?;
                if *tls {
                    Box::new(self.secured(host, *port, connected.stream).await?)
                } else {
                    Box::new(connected.stream)
                }
            }
        };
        Ok(Wire::new(stream))
    }

    async fn secured(
        &self,
        host: &str,
        port: u16,
        stream: tokio::net::TcpStream,
    ) -> Result<impl Stream + use<>, NotObserved> {
        let base = BaseUrl {
            tls: true,
            host: host.to_owned(),
            port,
            path: String::new(),
            socket: None,
        };
        let ca = self.settings.ca.as_deref();
        let config = tls_config(self.ctx, &base, ca, Version::Http1)?;
        let mut config = (*config).clone();
        config.alpn_protocols.clear();
        let name =
            ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| {
                self.failed(
                    Cause::Tls,
                    format!("`{host}` is not a name that a certificate can hold"),
                )
            })?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
        match tokio::time::timeout(self.ctx.remaining(), handshake).await {
            Err(_) => Err(self.failed(Cause::Timeout, "the TLS handshake took too long")),
            Ok(Err(e)) => {
                let message = format!("the TLS handshake failed: {e}");
                let help = "is it the TLS port, and is its CA given with `ca: FILE`?";
                Err(self.failed_with_help(Cause::Tls, message, help))
            }
            Ok(Ok(stream)) => Ok(stream),
        }
    }

    async fn sign_in(&self, session: &mut Session) -> Result<(), NotObserved> {
        if let Some(password) = &self.settings.password {
            let mut command = vec!["AUTH"];
            command.extend(self.settings.user.as_deref());
            command.push(password);
            match self.ask(session, &command).await? {
                Reply::Text(_) => {}
                // A password given to a server that has none: it would be taken for protected.
                Reply::Refused(why) => return Err(self.refused(&why)),
                Reply::Number(_) | Reply::Nothing => return Err(self.not_redis("a number to AUTH")),
            }
        }
        if self.place.database != 0 {
            let number = self.place.database.to_string();
            self.text(session, &["SELECT", &number]).await?;
        }
        Ok(())
    }

    /// Whether somebody without the password is let in too.
    async fn answers_strangers(&self) -> Result<bool, NotObserved> {
        let mut stranger = self.open().await?;
        let answer = self.ask(&mut stranger, &["PING"]).await?;
        Ok(matches!(answer, Reply::Text(_)))
    }

    /// A key of our own there and back; what the server refuses is a fact.
    async fn round_trip(&self, session: &mut Session) -> Result<RoundTrip, NotObserved> {
        let random = self.random()?;
        let key = format!("gonogo:round-trip:{random}");
        let mut trip = RoundTrip {
            key: key.clone(),
            ..RoundTrip::default()
        };
        let set = ["SET", &key, &random, "NX", "EX", KEY_LIVES];
        match self.ask(session, &set).await? {
            Reply::Text(_) => trip.written = true,
            Reply::Refused(why) => trip.error = Some(shortened(&why)),
            Reply::Nothing | Reply::Number(_) => {}
        }
        if !trip.written {
            return Ok(trip);
        }
        let read = self.ask(session, &["GET", &key]).await?;
        trip.read_back = read == Reply::Text(random);
        self.ask(session, &["DEL", &key]).await?;
        let left = self.ask(session, &["EXISTS", &key]).await?;
        trip.removed = left == Reply::Number(0);
        Ok(trip)
    }

    fn random(&self) -> Result<String, NotObserved> {
        let mut bytes = [0u8; 16];
        ring::rand::SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| self.failed(Cause::Missing, "this machine gives no random numbers"))?;
        Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// An answer that must be a text.
    async fn text(&self, session: &mut Session, command: &[&str]) -> Result<String, NotObserved> {
        match self.ask(session, command).await? {
            Reply::Text(text) => Ok(text),
            Reply::Refused(why) => Err(self.refused(&why)),
            Reply::Number(_) | Reply::Nothing => Err(self.not_redis("a number for a text")),
        }
    }

    async fn ask(&self, session: &mut Session, command: &[&str]) -> Result<Reply, NotObserved> {
        let limit: Duration = self.ctx.remaining();
        match tokio::time::timeout(limit, session.ask(command)).await {
            Err(_) => Err(self.failed(
                Cause::Timeout,
                "no answer came within the check's time limit",
            )),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(Broken::NotRedis(what))) => Err(self.not_redis(&what)),
            Ok(Err(Broken::TooLong)) => {
                Err(self.failed(Cause::TooLarge, "the answer is larger than 4 MiB"))
            }
            Ok(Err(Broken::Io(e))) => {
                let cause = match e.kind() {
                    std::io::ErrorKind::UnexpectedEof => Cause::Truncated,
                    _ => Cause::Closed,
                };
                Err(self.failed_with_help(
                    cause,
                    format!("the connection ended before the answer: {e}"),
                    "does a Redis listen there, and with TLS or without?",
                ))
            }
        }
    }

    fn refused(&self, why: &str) -> NotObserved {
        let word = why.split(' ').next().unwrap_or("");
        let (cause, help) = match word {
            "NOAUTH" => (Cause::Denied, "give the target `password:`"),
            "WRONGPASS" => (
                Cause::Denied,
                "`user:` and `password:` of the target do not fit",
            ),
            "NOPERM" => (
                Cause::Denied,
                "the user may not run PING, INFO or SELECT: `ACL SETUSER NAME +ping +info +select`",
            ),
            "LOADING" => (Cause::Protocol, "it is loading its data: ask with `retry:`"),
            "DENIED" => (
                Cause::Denied,
                "it runs in protected mode: it has no password and answers on loopback only",
            ),
            "ERR" if why.contains("AUTH") || why.contains("password") => (
                Cause::Denied,
                "the server asks for no password: protect it, or take `password:` off the target",
            ),
            _ => (Cause::Protocol, "redis-cli shows the same refusal"),
        };
        self.failed_with_help(cause, format!("Redis says {}", shortened(why)), help)
    }

    fn not_redis(&self, what: &str) -> NotObserved {
        self.failed_with_help(
            Cause::Protocol,
            format!("the answer is not what Redis says: {what}"),
            "does a Redis listen there, and with TLS or without?",
        )
    }

    fn failed(&self, cause: Cause, message: impl Into<String>) -> NotObserved {
        self.ctx.not_observed(self.place.shown(), cause, message)
    }

    fn failed_with_help(
        &self,
        cause: Cause,
        message: impl Into<String>,
        help: &str,
    ) -> NotObserved {
        let mut failed = self.failed(cause, message);
        failed.help = Some(help.to_owned());
        failed
    }
}
