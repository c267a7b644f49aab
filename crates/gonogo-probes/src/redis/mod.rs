//! The `redis` probe: whether a Redis answers, what it says of itself, and whether it keeps a key.

mod observed;
mod run;
mod syntax;
mod wire;

use gonogo_core::plan::{Cost, Syntax, TargetSyntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{RedisOptions, RedisTarget};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Redis;

/// A Redis.
pub const TARGET: TargetSyntax = TargetSyntax {
    key: "redis",
    schema: || schemars::schema_for!(RedisTarget),
    host: syntax::host,
};

impl Syntax for Redis {
    fn key(&self) -> &'static str {
        "redis"
    }

    fn about(&self) -> &'static str {
        "Asks a Redis how it is: version, role, memory, persistence, and whether it keeps a key."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(RedisOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["redis"]
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(has_round_trip(options))
    }

    fn power(&self, options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        has_round_trip(options).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        Some(if has_round_trip(options) {
            "redis-round-trip".to_owned()
        } else {
            "redis-ping".to_owned()
        })
    }

    fn cost(&self, options: &Json) -> Cost {
        Cost {
            requests: Some(if has_round_trip(options) { 7 } else { 3 }),
            seconds: None,
        }
    }
}

impl Probe for Redis {
    fn ask(&self, options: &Json) -> String {
        if has_round_trip(options) {
            "PING, INFO, and a key written, read and removed".to_owned()
        } else {
            "PING, INFO".to_owned()
        }
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

fn has_round_trip(options: &Json) -> bool {
    // A template is taken for the larger power.
    options
        .get("round_trip")
        .is_some_and(|v| v.as_bool() != Some(false))
}

#[cfg(test)]
mod tests;
