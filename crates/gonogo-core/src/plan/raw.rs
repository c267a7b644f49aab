//! What a plan may write, as types: their doc comments are the JSON Schema's descriptions and the reference.
//!
//! Only the decoder makes these, from a tree that already fits the schema. Parts that depend on the program's probes
//! (checks, subject, targets, templates) are slots: their schema is put together in [`super::schema`].

#![expect(
    dead_code,
    reason = "some keys are read from the tree, where they have a place; here they stand for the schema"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value as Json;

use super::statements::{RawFinding, RawLimitation, RawOwasp, RawSignOff, RawStatedFinding};
use crate::duration::parse_duration_ns;
use crate::outcome::Severity;
use crate::record::{EnvironmentKind, Power};

/// A plan: what must hold before a staging deployment may go to production.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPlan {
    /// The version of the plan language: 1.
    #[schemars(extend("const" = 1))]
    pub gonogo: u8,
    /// What is validated, for the report's head.
    pub name: String,
    /// Values from outside, by name. Each comes from `-i NAME=VALUE`, else the environment variable of its name in
    /// capitals, else its file, else its default.
    #[serde(default)]
    pub inputs: BTreeMap<String, RawInput>,
    /// What runs there, and that it is what was meant to be released: an observation with its expectation.
    #[schemars(with = "Option<Slot<SUBJECT>>")]
    pub subject: Option<Json>,
    /// Environments by name, with the targets that can be observed there.
    pub environments: BTreeMap<String, RawEnvironment>,
    /// Files with more gates and templates, relative to this one. Their gates come before those of this file where
    /// `include` stands above `gates`, else after them.
    #[serde(default)]
    pub include: OneOrMany,
    /// Checks with parameters, by name: `uses: NAME` and `with: {…}` put one into a gate. Its parameters are the
    /// `with.NAME` that it uses; its own `with:` holds their defaults.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Slot<TEMPLATE>>")]
    pub templates: BTreeMap<String, Json>,
    /// The criteria that the decision rests on, in the order in which they run.
    #[serde(default)]
    #[schemars(extend("minProperties" = 1))]
    pub gates: BTreeMap<String, RawGate>,
    /// Expressions that replace the default rule for NO-GO and HOLD.
    pub decide: Option<RawDecide>,
    /// How long a GO is valid; `24h` by default.
    pub valid_for: Option<Span>,
    /// Assumptions under which limits are judged.
    pub statistics: Option<RawStatistics>,
    /// The waiver file, relative to this one; `waivers.yaml` by default, where it is there.
    pub waivers: Option<String>,
    /// What the release does not do, by a name of its own: a GO lists each as a condition.
    #[serde(default)]
    pub limitations: BTreeMap<String, RawLimitation>,
    /// Findings that people state, by a name of their own.
    #[serde(default)]
    pub findings: BTreeMap<String, RawStatedFinding>,
    /// The OWASP Top 10:2025, category by category: the gates or checks that show it, or a statement with its evidence.
    pub owasp: Option<RawOwasp>,
    /// Who decides, upon which acceptance criteria, in what environment.
    pub sign_off: Option<RawSignOff>,
}

/// A file of gates that a plan includes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInclude {
    /// The version of the plan language: 1.
    #[schemars(extend("const" = 1))]
    pub gonogo: Option<u8>,
    /// Files with more gates and templates, relative to this one.
    #[serde(default)]
    pub include: OneOrMany,
    /// Checks with parameters, by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Slot<TEMPLATE>>")]
    pub templates: BTreeMap<String, Json>,
    /// Gates.
    #[serde(default)]
    pub gates: BTreeMap<String, RawGate>,
    /// More of what the release does not do.
    #[serde(default)]
    pub limitations: BTreeMap<String, RawLimitation>,
    /// More findings that people state.
    #[serde(default)]
    pub findings: BTreeMap<String, RawStatedFinding>,
}

/// A value from outside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInput {
    /// Masked wherever it is written, and never taken from the plan itself.
    #[serde(default)]
    pub secret: bool,
    /// A file to read it from, relative to the plan, where neither `-i` nor the environment variable gives it.
    pub file: Option<String>,
    /// The value where nothing else gives one.
    pub default: Option<Json>,
    /// What it is, for the message that it is missing.
    pub description: Option<String>,
}

/// A named set of targets and values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawEnvironment {
    /// What kind of place it is; by its name where that is `local`, `staging` or `production`.
    pub kind: Option<EnvironmentKind>,
    /// Powers beyond reading. `exec`, and any power on production, need `--allow` on the command line as well.
    #[serde(default)]
    pub allow: Vec<Power>,
    /// What can be observed there, by name. With several of a kind, the first is meant unless a check names another.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Slot<TARGET>>")]
    pub targets: BTreeMap<String, Json>,
    /// Values that expressions use as `env.NAME`.
    #[serde(default)]
    pub values: BTreeMap<String, Json>,
}

/// One criterion that the decision rests on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGate {
    /// What it claims, as a sentence.
    pub title: String,
    /// What its failure means; `critical` by default.
    pub severity: Option<Severity>,
    /// Gates that must have passed before this one runs.
    #[serde(default)]
    pub needs: OneOrMany,
    /// The environments it is limited to; elsewhere it is out of scope.
    #[serde(default)]
    pub only: OneOrMany,
    /// Runs whatever happened before: for cleaning up.
    #[serde(default)]
    pub always: bool,
    /// `rollback`: its SQL runs in one transaction that is rolled back, so that nothing is left behind.
    pub transaction: Option<RawTransaction>,
    /// Who acts when it fails.
    pub owner: Option<String>,
    /// How old its evidence may be when the verdict is given.
    pub fresh_for: Option<Span>,
    /// The figure for the gate table, as people would write it; made from its checks where absent.
    pub target: Option<String>,
    /// What its author says of it when it does not pass.
    pub finding: Option<RawFinding>,
    /// Its checks, at least one.
    #[schemars(with = "Vec<Slot<CHECK>>", extend("minItems" = 1))]
    pub checks: Vec<Json>,
}

/// How the SQL of a gate ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawTransaction {
    /// In one transaction that is rolled back.
    Rollback,
}

/// What every check may say beside its probe's own keys.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCheck {
    /// Its name, unique in its gate; made from what it asks where absent: `http: POST /orders` is `post-orders`.
    pub id: Option<String>,
    /// The target to observe, where the environment has several of the kind.
    pub target: Option<String>,
    /// What must be true of the observation: one expression, or a list of them, one per line.
    #[serde(default)]
    pub expect: Expressions,
    /// Expressions that make a pass a `warn` where they are true.
    #[serde(default)]
    pub warn: Expressions,
    /// Claims about a distribution or rate, judged by statistics.
    #[serde(default)]
    pub limits: Limits,
    /// Values to keep for later checks, by name: `NAME: expression`, or `NAME: { from: expression, secret: true }`.
    #[serde(default)]
    pub save: BTreeMap<String, RawSave>,
    /// Skips the check where this is not true.
    #[schemars(extend("format" = "cel"))]
    pub when: Option<String>,
    /// Repeats the check over a list, as `item`: the list itself, or an expression that gives one.
    #[schemars(with = "Option<ForEachSchema>")]
    pub for_each: Option<Json>,
    /// Tries again until it passes. A pass on retry is a `warn`, unless waiting is the point (`eventually`).
    pub retry: Option<RawRetry>,
    /// The deadline of one attempt; `30s` by default.
    pub timeout: Option<Span>,
    /// Says that a request which could write by its form only reads.
    #[serde(default)]
    pub reads: bool,
    /// Says that a write may be repeated after a crash.
    #[serde(default)]
    pub repeatable: bool,
    /// What it means that nothing was there to look at; `inconclusive` where absent.
    pub if_absent: Option<RawIfAbsent>,
    /// How old its evidence may be when the verdict is given.
    pub fresh_for: Option<Span>,
    /// What its author says of it when it does not pass; goes before what the gate says.
    pub finding: Option<RawFinding>,
}

/// What a check that uses a template may say besides.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawUses {
    /// The template's name. Keys beside it replace the template's own.
    pub(crate) uses: String,
    /// The template's parameters.
    #[serde(default)]
    pub with: BTreeMap<String, Json>,
}

/// What a subject may say beside its probe's own keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSubject {
    /// What must be true of it: that it is what was meant to be released.
    pub expect: Expressions,
    /// How long to wait for the rollout before it counts as another subject.
    pub wait: Option<Span>,
    /// The fact that identifies it; by default what `expect` compares with an input, such as `body.commit`.
    #[schemars(extend("format" = "cel"))]
    pub identity: Option<String>,
    /// The target to observe, where the environment has several of the kind.
    pub target: Option<String>,
    /// The deadline of one attempt; `30s` by default.
    pub timeout: Option<Span>,
}

/// What absence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawIfAbsent {
    /// Fine, and shown.
    Warn,
}

/// Trying again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRetry {
    /// For how long.
    #[serde(rename = "for")]
    pub lasting: Span,
    /// How long between attempts; `2s` by default.
    pub every: Option<Span>,
    /// Waiting is the point: a pass on retry is a `pass`.
    #[serde(default)]
    pub eventually: bool,
}

/// A value to keep.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-gonogo-shorthand" = "from"))]
pub(crate) struct RawSave {
    /// What to keep.
    #[schemars(extend("format" = "cel"))]
    pub from: String,
    /// Masks it from here on. What is made from a secret is secret without saying so.
    #[serde(default)]
    pub secret: bool,
}

/// Expressions over `critical`, `important` and `advisory`, each with a count per outcome, that replace the default rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDecide {
    /// NO-GO where true; by default `critical.fail > 0`.
    #[schemars(extend("format" = "cel"))]
    pub no_go: Option<String>,
    /// HOLD where true.
    #[schemars(extend("format" = "cel"))]
    pub hold: Option<String>,
}

/// Assumptions under which limits are judged, printed beside each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStatistics {
    /// One-sided confidence; `95%` by default.
    #[schemars(extend("format" = "percent"))]
    pub confidence: Option<String>,
    /// Requests further apart than this are taken as independent; `100ms` by default.
    pub correlation_time: Option<Span>,
    /// How long a load lasts at least; `60s` by default.
    pub min_duration: Option<Span>,
    /// Whether re-runs of the same subject are declared, so that each attempt spends half of what the one before left
    /// (`declared`), or one attempt has the whole (`one`, the default).
    pub attempts: Option<RawAttempts>,
}

/// How the error probability is spent over attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawAttempts {
    /// The first attempt at a subject has the whole of it.
    One,
    /// Re-runs are declared: the k-th attempt has α/2^k.
    Declared,
}

/// The policy file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPolicy {
    /// NO-GO where one is true.
    #[serde(default, rename = "no_go")]
    pub _no_go: Expressions,
    /// HOLD where one is true.
    #[serde(default, rename = "hold")]
    pub _hold: Expressions,
}

/// The waiver file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWaivers {
    /// The failures that somebody accepts.
    pub waivers: Vec<RawWaiver>,
}

/// A failure that a named person accepts exactly as it was seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWaiver {
    /// The gate that failed, whole.
    pub gate: Option<String>,
    /// Or one check of it: `gate/check`.
    pub check: Option<String>,
    /// Who accepts it.
    pub person: String,
    /// Why.
    pub reason: String,
    /// The ticket in which it is followed up.
    pub ticket: Option<String>,
    /// The day on which it was given.
    #[schemars(extend("format" = "date"))]
    pub given: String,
    /// The last day on which it holds, at most 30 days later.
    #[schemars(extend("format" = "date"))]
    pub until: String,
    /// Pins the failure as it was seen: true for this failure, not for the next one.
    #[schemars(extend("format" = "cel"))]
    pub accepts: String,
}

/// A duration, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub i64);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let text = String::deserialize(de)?;
        parse_duration_ns(&text)
            .map(Span)
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "positive-duration"})
    }
}

/// One text or a list of them; always a list once decoded.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct OneOrMany(pub Vec<String>);

impl JsonSchema for OneOrMany {
    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-gonogo-one-or-many": true,
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        })
    }
}

/// One expression or a list of them; always a list once decoded.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Expressions(pub Vec<String>);

impl JsonSchema for Expressions {
    fn schema_name() -> Cow<'static, str> {
        "Expressions".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = serde_json::json!({"type": "string", "format": "cel"});
        json_schema!({
            "x-gonogo-one-or-many": true,
            "anyOf": [one, {"type": "array", "items": one, "minItems": 1}],
        })
    }
}

/// Claims by name, as written: `p95: 150ms`, `errors: 1%`, `rate: 45/s`.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Limits(pub BTreeMap<String, String>);

impl JsonSchema for Limits {
    fn schema_name() -> Cow<'static, str> {
        "Limits".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        for name in [
            "p50", "p75", "p90", "p95", "p99", "p99.5", "p99.9", "p99.99",
        ] {
            let share = &name[1..];
            let description = format!("{share} % of the requests take at most this long.");
            let limit = serde_json::json!({"type": "string", "format": "positive-duration", "description": description});
            properties.insert(name.to_owned(), limit);
        }
        properties.insert(
            "errors".to_owned(),
            serde_json::json!({
                "type": "string", "format": "percent",
                "description": "Less than this share of the requests fails.",
            }),
        );
        properties.insert(
            "rate".to_owned(),
            serde_json::json!({
                "type": "string", "format": "rate",
                "description": "At least this many requests are answered well per second.",
            }),
        );
        json_schema!({
            "type": "object",
            "properties": properties,
            "patternProperties": {
                "^p[0-9]{1,2}(\\.[0-9]{1,6})?$": {"type": "string", "format": "positive-duration"},
            },
            "additionalProperties": false,
            "minProperties": 1,
        })
    }
}

/// The schema of `for_each`.
pub(crate) struct ForEachSchema;

impl JsonSchema for ForEachSchema {
    fn schema_name() -> Cow<'static, str> {
        "ForEach".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "array", "items": true, "minItems": 1},
            {"type": "string", "format": "cel"},
        ]})
    }
}

/// The slots' places in the schema.
pub(crate) const CHECK: usize = 0;
/// A subject.
pub(crate) const SUBJECT: usize = 1;
/// A target.
pub(crate) const TARGET: usize = 2;
/// A template.
pub(crate) const TEMPLATE: usize = 3;
/// Their names under `$defs`.
pub(crate) const SLOTS: [&str; 4] = ["Check", "Subject", "Target", "Template"];

/// A part whose schema depends on the probes.
pub(crate) struct Slot<const N: usize>;

impl<const N: usize> JsonSchema for Slot<N> {
    fn schema_name() -> Cow<'static, str> {
        SLOTS[N].into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"$ref": format!("#/$defs/{}", SLOTS[N])})
    }
}
