//! The observing: one handshake, hellos of all versions, one GET for HSTS.

use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use rustls::pki_types::{ServerName, UnixTime};

use super::certificate::Read;
use super::handshake::{Shaken, shake};
use super::hsts::{self, Hsts};
use super::observed::{self, Looked};
use super::scan::{self, Scanned, Told};
use super::syntax::{self, Place, TlsOptions};
use super::{ocsp, trust};
use crate::ctx::{Ctx, trusted_roots};
use crate::http::{self, BaseUrl, HttpOptions, HttpTarget};
use crate::probe::{Call, Seen};

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let asked =
        Asked::of(&call).map_err(|message| ctx.not_observed("tls", Cause::BadOptions, message))?;
    let place = &asked.place;
    let ca = asked.ca.as_deref().map(|ca| ctx.path(ca));
    let roots = trusted_roots(ca.as_deref())
        .map_err(|message| ctx.not_observed(place.to_string(), Cause::Missing, message))?;
    let shaken = shake(ctx, place, &asked.name).await?;
    let sni = match &asked.name {
        ServerName::DnsName(name) => Some(name.as_ref()),
        _ => None,
    };
    let scanned = scan::scan(ctx, place, sni).await?;
    if scanned.accepted().next().is_none() && shaken.suite.is_none() {
        return Err(speaks_none(ctx, place, &shaken, &scanned));
    }
    let chain = if shaken.chain.is_empty() {
        &scanned.chain
    } else {
        &shaken.chain
    };
    let read: Vec<Read> = chain.iter().map(|der| Read::of(der)).collect();
    let now = ctx.wall_now();
    let at = unix_time(now);
    let trusted = proved(&shaken).and_then(|()| trust::to_a_root(chain, &read, &roots, at));
    let name_matches = chain
        .first()
        .is_some_and(|leaf| trust::for_name(leaf, &asked.name));
    let pinned = (!asked.pins.is_empty())
        .then(|| shaken.proved && trust::is_pinned(chain, &read, &asked.pins, at));
    let hsts = asked.hsts(ctx, trusted.is_ok() && name_matches).await;
    let serial = read.first().map_or(&[][..], |leaf| &leaf.serial);
    let mut seen = observed::seen(&Looked {
        address: place.to_string(),
        name: asked.name.to_str().into_owned(),
        shaken: &shaken,
        fallback_protected: scanned.fallback_protected,
        ocsp: ocsp::status(&shaken.ocsp, serial, now),
        scanned: &scanned,
        chain: &read,
        trusted,
        name_matches,
        pinned,
        hsts,
        now,
    });
    seen.target = Some(TargetSeen {
        name: asked.target_name.clone(),
        address: place.to_string(),
        engine: None,
    });
    Ok(seen)
}

/// Whether the server showed that it holds the key of its certificate; in words why not.
fn proved(shaken: &Shaken) -> Result<(), String> {
    if shaken.proved {
        return Ok(());
    }
    let why = shaken.failed.as_deref().unwrap_or("it was not asked to");
    Err(format!(
        "the server did not prove that it holds the key of its certificate; a handshake of today (TLS 1.2 or 1.3, forward secrecy, AEAD) failed: {why}"
    ))
}

/// No version was taken: nothing was seen of the server's TLS.
fn speaks_none(ctx: &Ctx, place: &Place, shaken: &Shaken, scanned: &Scanned) -> NotObserved {
    let failed = shaken.failed.as_deref().unwrap_or("no reason was given");
    let told = scanned.versions.iter().map(|(version, told)| {
        let why = match told {
            Told::Accepted => "accepted",
            Told::Refused(why) | Told::Unknown(why) => why.as_str(),
        };
        format!("{}: {why}", version.name())
    });
    let told: Vec<String> = told.collect();
    let message = format!(
        "no version of TLS is spoken there: {failed} ({})",
        told.join("; ")
    );
    let mut gap = ctx.not_observed(place.to_string(), Cause::Tls, message);
    gap.help = Some("is it the port of TLS, and not the plain one?".to_owned());
    gap
}

fn unix_time(now: chrono::DateTime<chrono::Utc>) -> UnixTime {
    let since = u64::try_from(now.timestamp()).unwrap_or(0);
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(since))
}

/// What is asked of which server.
struct Asked {
    place: Place,
    name: ServerName<'static>,
    ca: Option<String>,
    pins: Vec<[u8; 32]>,
    target_name: String,
    /// The `http` target, where the server is its own; HSTS is asked only there.
    http: Option<HttpTarget>,
}

impl Asked {
    fn of(call: &Call<'_>) -> Result<Self, String> {
        let options: TlsOptions =
            serde_json::from_value(call.options.clone()).map_err(|e| e.to_string())?;
        let settings: Option<HttpTarget> = call
            .target
            .map(|target| serde_json::from_value(target.options.clone()))
            .transpose()
            .map_err(|e| e.to_string())?;
        let own = settings
            .as_ref()
            .map(|s| BaseUrl::parse(&s.http))
            .transpose()?;
        let place = if options.tls == "target" {
            let own = own
                .as_ref()
                .ok_or("`tls: target` needs a target of the kind http, and there is none")?;
            if !own.tls {
                return Err(format!(
                    "the target's address is {}, which is not https: write `tls: HOST:PORT`",
                    own.origin()
                ));
            }
            Place {
                host: own.host.clone(),
                port: own.port,
            }
        } else {
            Place::parse(&options.tls)?
        };
        let is_own = own.as_ref().is_some_and(|own| {
            own.tls && own.port == place.port && own.host.eq_ignore_ascii_case(&place.host)
        });
        let http = settings.filter(|_| is_own);
        let host = options.name.as_deref().unwrap_or(&place.host);
        let bare = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(bare)
            .map_err(|_| format!("`{host}` is not a name that a certificate can hold"))?;
        let target = call.target.filter(|_| is_own);
        Ok(Self {
            name,
            ca: options
                .ca
                .clone()
                .or_else(|| http.as_ref().and_then(|http| http.ca.clone())),
            pins: options
                .pin
                .0
                .iter()
                .map(|text| syntax::pin(text))
                .collect::<Result<_, _>>()?,
            target_name: target.map_or_else(|| place.to_string(), |t| t.name.clone()),
            http: http.filter(|_| options.name.is_none()),
            place,
        })
    }

    /// The header of one GET. RFC 6797, 8.1: it counts only over a connection without errors.
    async fn hsts(&self, ctx: &Ctx, is_secure: bool) -> Result<Option<Hsts>, String> {
        let Some(http) = &self.http else {
            return Err("HSTS is asked only of the http target's own address".to_owned());
        };
        if !is_secure {
            return Err(
                "HSTS counts only over a connection that is trusted (RFC 6797, 8.1)".to_owned(),
            );
        }
        let target = HttpTarget {
            ca: self.ca.clone(),
            ..http.clone()
        };
        let fetched = http::ask(ctx, &target, &HttpOptions::line("GET /"))
            .await
            .map_err(|gap| format!("HSTS could not be asked for: {}", gap.message))?;
        // RFC 6797, 8.1: only the first of several headers is looked at.
        Ok(fetched
            .header("strict-transport-security")
            .and_then(hsts::parse))
    }
}
