//! The `webhook` probe: whether a receiver of webhooks takes only what was signed for it.

mod observed;
mod run;
mod signature;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{Scheme, WebhookOptions};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Webhook;

impl Syntax for Webhook {
    fn key(&self) -> &'static str {
        "webhook"
    }

    fn about(&self) -> &'static str {
        "Sends a webhook without a signature, with wrong ones, with an old one and with a good one."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(WebhookOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(syntax::may_have_a_timestamp(options))
    }

    fn power(&self, _options: &Json, _rollback: bool, reads: bool) -> Option<Power> {
        (!reads).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let line = options.get("webhook")?.as_str()?;
        Some(format!("webhook {line}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn cost(&self, options: &Json) -> Cost {
        let calls = if syntax::may_have_a_timestamp(options) {
            5
        } else {
            4
        };
        Cost {
            requests: Some(calls),
            seconds: None,
        }
    }
}

impl Probe for Webhook {
    fn ask(&self, options: &Json) -> String {
        let line = options.get("webhook").and_then(Json::as_str);
        format!("{}, unsigned, wrongly and rightly", line.unwrap_or(""))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
