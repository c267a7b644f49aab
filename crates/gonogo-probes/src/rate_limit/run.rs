//! The asking: one request after the other, never more than the bound.

use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::observed::{Answered, seen};
use super::syntax::{DEFAULT, MOST, RateLimitOptions};
use super::{fields, observed};
use crate::http::{self, HttpOptions, ask};
use crate::probe::{Call, Seen};

/// Of a body only so much is read: it does not matter.
const MAX_BODY: u64 = 64 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed("rate-limit", Cause::BadOptions, message);
    let http::OverHttp {
        options,
        target,
        settings,
    } = http::over_http::<RateLimitOptions>(&call, "rate-limit")?;
    let bound = options.requests.unwrap_or(DEFAULT);
    // The schema says so too; but a bound that keeps a target from harm is looked at where it is used.
    if !(2..=MOST).contains(&bound) {
        return Err(bad(format!("`requests` must be from 2 to {MOST}")));
    }
    let request = request(&options);
    let began = ctx.now();
    let mut answers: Vec<Answered> = Vec::new();
    let mut reached = None;
    while (answers.len() as u64) < bound {
        let answer = match ask(ctx, &settings, &request).await {
            Ok(answer) => answer,
            Err(mut failed) => {
                if !answers.is_empty() {
                    failed.message = format!(
                        "request {} after {} answers: {}",
                        answers.len() + 1,
                        answers.len(),
                        failed.message
                    );
                }
                return Err(failed);
            }
        };
        let now = ctx.wall_now();
        reached.get_or_insert_with(|| {
            (
                answer.url.clone(),
                answer.header("server").map(str::to_owned),
            )
        });
        let status = answer.status;
        answers.push(Answered {
            at: began.elapsed(),
            status,
            quota: fields::read(&answer, now),
            retry_after: fields::retry_after(&answer, now),
        });
        if observed::ends(status) {
            break;
        }
    }
    let mut seen = seen(&answers, bound);
    seen.target = reached.map(|(address, engine)| TargetSeen {
        name: target.name.clone(),
        address,
        engine,
    });
    Ok(seen)
}

fn request(options: &RateLimitOptions) -> HttpOptions {
    HttpOptions {
        headers: options.headers.clone(),
        query: options.query.clone(),
        json: options.json.clone(),
        bearer: options.bearer.clone(),
        basic: options.basic.clone(),
        max_body: Some(MAX_BODY),
        ..HttpOptions::line(&options.rate_limit)
    }
}
