//! The `tls` probe: which versions and cipher suites a server speaks, and what its certificates are worth.

mod answer;
mod certificate;
mod handshake;
mod hello;
mod hsts;
mod observed;
mod ocsp;
mod rating;
mod run;
mod scan;
mod suites;
mod syntax;
mod trust;

use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::TlsOptions;

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Tls;

impl Syntax for Tls {
    fn key(&self) -> &'static str {
        "tls"
    }

    fn about(&self) -> &'static str {
        "Looks at a server's TLS: versions, cipher suites, certificates, trust, expiry, pins, HSTS, and a grade."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(TlsOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    /// An address of its own names the server, which may be a target of another kind.
    fn needs_target(&self) -> bool {
        false
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(options.get("pin").is_some())
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let place = options.get("tls")?.as_str()?;
        Some(format!("tls {place}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn cost(&self, _options: &Json) -> Cost {
        // A whole handshake, one request for HSTS, and hellos that are not completed.
        Cost {
            requests: Some(2 + scan::MAX_HELLOS as u64),
            seconds: None,
        }
    }
}

impl Probe for Tls {
    fn ask(&self, options: &Json) -> String {
        let place = options.get("tls").and_then(Json::as_str).unwrap_or("");
        match place {
            "target" => "the target's TLS".to_owned(),
            place => format!("the TLS of {place}"),
        }
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
