//! The observing: a load from its options to its series.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use gonogo_core::series::{self, Sample, SeriesBuilder, SeriesHeader};
use gonogo_core::stats::{Assumptions, Attempts, Claim, SequentialLook};
use rustls::pki_types::ServerName;

use super::engine::{self, Config, Expected, Proceed, Progress, Sink, Summary};
use super::observed::seen;
use super::syntax::{LoadOptions, Rhythm, Spread, rhythm};
use crate::http::{self, BaseUrl, HttpOptions, HttpTarget, Version};
use crate::probe::{Call, Seen};

/// Looks once, on threads of its own; dropping the future stops the load.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed("load", Cause::BadOptions, message);
    let http::OverHttp {
        options,
        target,
        settings,
    } = http::over_http::<LoadOptions>(&call, "load")?;
    let rhythm = rhythm(&call.options, call.limits, call.statistics).map_err(bad)?;
    let base = BaseUrl::parse(&settings.http).map_err(bad)?;
    let config = config(&call, &options, &settings, &base, &rhythm).await?;
    let header = header(&options, &rhythm, ctx.wall_now().timestamp_millis());
    let claims: Vec<Claim> = call.limits.iter().map(|l| l.claim).collect();
    let assumptions = assumptions(&call);
    let collector = Collector::new(&header, &claims, &rhythm, &assumptions, options.warm_up)
        .map_err(|e| bad(e.to_string()))?;
    let (collector, summary) = carry_out(config, collector).await.map_err(|message| {
        ctx.not_observed(format!("load {}", options.load), Cause::Network, message)
    })?;
    let series = collector
        .into_series()
        .map_err(|e| bad(format!("the samples could not be kept: {e}")))?;
    let mut seen = seen(&series, &summary);
    seen.target = Some(TargetSeen {
        name: target.name.clone(),
        address: format!("{} {}", base.origin(), options.load),
        engine: None,
    });
    Ok(seen)
}

async fn config(
    call: &Call<'_>,
    options: &LoadOptions,
    settings: &HttpTarget,
    base: &BaseUrl,
    rhythm: &Rhythm,
) -> Result<Config, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed("load", Cause::BadOptions, message);
    let http_options = HttpOptions {
        http: options.load.clone(),
        headers: options.headers.clone(),
        query: options.query.clone(),
        json: options.json.clone(),
        form: options.form.clone(),
        body: options.body.clone(),
        bearer: options.bearer.clone(),
        basic: options.basic.clone(),
        redirects: None,
        version: None,
        max_body: None,
    };
    let wire = http::WireRequest::build(&http_options, settings, base).map_err(bad)?;
    let headers: Vec<(&str, &[u8])> = wire
        .headers
        .iter()
        .filter(|(name, _)| name != "host")
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let request = engine::Request::new(
        &wire.method,
        &wire.path,
        &base.host_header(),
        &headers,
        &wire.body,
    )
    .map_err(|e| bad(e.to_string()))?;
    let addresses = ctx.resolve(&base.host, base.port).await?;
    let address = reachable(call, base, &addresses).await?;
    let model = match rhythm.users {
        None => engine::Model::Open {
            rate: rhythm.rate.unwrap_or(1.0),
            arrivals: match options.arrivals {
                Some(Spread::Poisson) => engine::Arrivals::Poisson {
                    seed: options.seed.unwrap_or(1),
                },
                Some(Spread::Constant) | None => engine::Arrivals::Constant,
            },
        },
        Some(users) => engine::Model::Closed {
            users,
            pace: rhythm.pace,
        },
    };
    let mut config = Config::new(address, request, model);
    if base.tls {
        let tls = http::tls_config(ctx, base, settings.ca.as_deref(), Version::Http1)?;
        let name = ServerName::try_from(base.host.trim_matches(['[', ']']).to_owned())
            .map_err(|e| bad(format!("`{}` cannot be in a certificate: {e}", base.host)))?;
        config.tls = Some(engine::Tls { config: tls, name });
    }
    config.requests = rhythm.requests;
    config.duration = rhythm.duration;
    config.timeout = rhythm.timeout;
    config.deadline = Some(ctx.remaining().saturating_sub(Duration::from_millis(200)));
    config.connections = options
        .connections
        .unwrap_or(256)
        .max(rhythm.users.unwrap_or(1));
    if !options.ok.is_empty() {
        let ranges: Vec<_> = options.ok.iter().map(|s| *s..=*s).collect();
        config.expected = Expected::ranges(&ranges);
    }
    config.stop_on.server_errors = Some(engine::ServerErrors {
        share: options.stop_at_errors.unwrap_or(0.5),
        after: 200,
    });
    Ok(config)
}

/// The first address that takes a connection: a name may have several families.
async fn reachable(
    call: &Call<'_>,
    base: &BaseUrl,
    addresses: &[std::net::SocketAddr],
) -> Result<std::net::SocketAddr, NotObserved> {
    if let [only] = addresses {
        return Ok(*only);
    }
    Ok(call.ctx.connect(&base.host, base.port).await?.address)
}

fn header(options: &LoadOptions, rhythm: &Rhythm, started_at_ms: i64) -> SeriesHeader {
    SeriesHeader {
        model: match rhythm.users {
            Some(users) => series::Model::Closed { users },
            None => series::Model::Open {
                arrivals: match options.arrivals {
                    Some(Spread::Poisson) => series::Arrivals::Poisson {
                        seed: options.seed.unwrap_or(1),
                    },
                    Some(Spread::Constant) | None => series::Arrivals::Constant,
                },
            },
        },
        planned_rate: rhythm.rate,
        started_at_ms,
        warm_up: options.warm_up,
        timeout_ns: u64::try_from(rhythm.timeout.as_nanos()).unwrap_or(u64::MAX),
    }
}

/// What the judge will assume too, so that a load stops only where the judge agrees.
fn assumptions(call: &Call<'_>) -> Assumptions {
    Assumptions {
        confidence: call.statistics.confidence,
        correlation_time_ns: call.statistics.correlation_time_ns.unsigned_abs(),
        min_duration_ns: call.statistics.min_duration_ns.unsigned_abs(),
        sequential: true,
        attempts: match call.earlier_samplings {
            None => Attempts::Unknown,
            Some(0) => Attempts::One,
            Some(before) => Attempts::Rerun(before.saturating_add(1)),
        },
        ..Assumptions::default()
    }
}

/// Takes samples into the series, and looks whether the limits are decided.
pub(super) struct Collector {
    builder: SeriesBuilder,
    look: Option<SequentialLook>,
    warm_up: u64,
}

impl Collector {
    pub(super) fn new(
        header: &SeriesHeader,
        claims: &[Claim],
        rhythm: &Rhythm,
        assumptions: &Assumptions,
        warm_up: u64,
    ) -> Result<Self, series::SeriesError> {
        Ok(Self {
            builder: SeriesBuilder::new(header)?,
            look: rhythm
                .until_decided
                .then(|| SequentialLook::new(claims, header, assumptions)),
            warm_up,
        })
    }
}

impl Collector {
    /// The samples, whole.
    pub(super) fn into_series(self) -> Result<series::Series, series::SeriesError> {
        self.builder.into_series()
    }
}

impl Sink for Collector {
    fn sample(&mut self, sample: &engine::Sample) {
        let mut kept = super::series::record(sample);
        if sample.index < self.warm_up {
            kept = kept.warming_up();
        }
        if let Some(look) = &mut self.look {
            look.add(&kept);
        }
        self.builder.push(kept);
    }

    /// Requests under way are the slow ones: enough is known only when the answer stands whatever becomes of them.
    fn proceed(&mut self, progress: &Progress) -> Proceed {
        let Some(look) = &mut self.look else {
            return Proceed::Continue;
        };
        let under_way = progress.due.saturating_sub(progress.done);
        look.set_under_way(under_way);
        if !look.is_decided() {
            return Proceed::Continue;
        }
        let due = u64::try_from(progress.elapsed.as_nanos()).unwrap_or(u64::MAX);
        let stands = [
            Sample::never_sent(due),
            Sample::ended(due, due, due, 200, series::End::Ok),
        ]
        .iter()
        .all(|sample| {
            let mut then = look.clone();
            then.set_under_way(0);
            (0..under_way).for_each(|_| then.add(sample));
            then.is_decided()
        });
        if stands {
            Proceed::Stop
        } else {
            Proceed::Continue
        }
    }
}

/// Runs the engine on a thread of its own and stops it when this future is dropped.
async fn carry_out(config: Config, collector: Collector) -> Result<(Collector, Summary), String> {
    let leash = Leash(Arc::new(AtomicBool::new(false)));
    let cancel = Arc::clone(&leash.0);
    let running = tokio::task::spawn_blocking(move || {
        let mut collector = collector;
        let summary = engine::run(&config, &mut collector, &cancel);
        (collector, summary)
    });
    match running.await {
        Ok((collector, Ok(summary))) => Ok((collector, summary)),
        Ok((_, Err(error))) => Err(error.to_string()),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

struct Leash(Arc<AtomicBool>);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
