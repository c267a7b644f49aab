//! Pretended probes, shaped like the real ones.

#![expect(clippy::struct_field_names, reason = "a probe's key is its name")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value as Json;

use crate::expr::{Field, Type};
use crate::plan::{Cost, OptionProblem, Registry, Syntax, TargetSyntax};
use crate::record::Power;
use crate::shape::Shape;

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Http {
    /// The request line.
    #[schemars(extend("format" = "request-line"))]
    http: String,
    /// Request headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as JSON.
    json: Option<Json>,
    /// The token of `Authorization: Bearer`.
    bearer: Option<String>,
    /// How many redirects are followed.
    #[schemars(range(min = 0, max = 20))]
    redirects: Option<u8>,
    /// The protocol.
    version: Option<Version>,
    /// Whether cookies are kept.
    cookies: Option<bool>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
enum Version {
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2.
    #[serde(rename = "2")]
    Two,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct HttpTarget {
    /// The address.
    http: String,
    /// A PEM file with the CA to trust.
    ca: Option<String>,
    /// The token of `Authorization: Bearer` for all checks.
    bearer: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Load {
    /// The request line.
    #[schemars(extend("format" = "request-line"))]
    load: String,
    /// The token.
    bearer: Option<String>,
    /// Requests per second.
    #[schemars(extend("format" = "rate"))]
    rate: Option<String>,
    /// How many requests.
    #[schemars(range(min = 1))]
    requests: Option<u64>,
    /// Goes on until every limit is decided.
    until: Option<Until>,
    /// The most requests of `until: decided`.
    at_most: Option<u64>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Until {
    /// Every limit is decided.
    Decided,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Sql {
    /// The statement.
    sql: String,
    /// Values for its parameters.
    #[serde(default)]
    bind: Vec<Json>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Address {
    /// The address.
    postgres: String,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Prometheus {
    /// The address.
    prometheus: String,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Jwt {
    /// What to do.
    jwt: Deed,
    /// The key.
    key: Option<String>,
    /// The claims.
    #[serde(default)]
    claims: BTreeMap<String, Json>,
    /// How long it is valid.
    #[schemars(extend("format" = "duration"))]
    expires_in: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Deed {
    /// Make a token.
    Mint,
    /// Look at one.
    Inspect,
}

struct HttpProbe;
struct LoadProbe;
struct SqlProbe;
struct JwtProbe;

fn shape(fields: &[(&str, Type)]) -> Shape {
    let fields = fields
        .iter()
        .map(|(n, t)| ((*n).to_owned(), Field::new(t.clone(), "Seen.")));
    Shape {
        fields: fields.collect(),
    }
}

impl Syntax for HttpProbe {
    fn key(&self) -> &'static str {
        "http"
    }
    fn about(&self) -> &'static str {
        "One HTTP exchange."
    }
    fn schema(&self) -> Schema {
        schema_for!(Http)
    }
    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }
    fn shape(&self, _: &Json) -> Shape {
        shape(&[
            ("status", Type::Int),
            ("headers", Type::Headers),
            ("body", Type::Dyn),
            ("latency", Type::Duration),
        ])
    }
    fn power(&self, options: &Json, _: bool, reads: bool) -> Option<Power> {
        let line = options["http"].as_str().unwrap_or_default();
        let safe = line.starts_with("GET ") || line.starts_with("HEAD ");
        (!safe && !reads).then_some(Power::Write)
    }
    fn implied_id(&self, options: &Json) -> Option<String> {
        options["http"].as_str().map(str::to_owned)
    }
    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        let both = options.get("json").is_some()
            && options["http"]
                .as_str()
                .is_some_and(|l| l.starts_with("GET "));
        let problem = OptionProblem {
            code: "body-of-get",
            key: "json".to_owned(),
            warning: true,
            message: "a GET with a body is ignored by many servers".to_owned(),
            help: None,
        };
        both.then_some(problem).into_iter().collect()
    }
}

impl Syntax for LoadProbe {
    fn key(&self) -> &'static str {
        "load"
    }
    fn about(&self) -> &'static str {
        "Many requests."
    }
    fn schema(&self) -> Schema {
        schema_for!(Load)
    }
    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }
    fn shape(&self, _: &Json) -> Shape {
        shape(&[("sent", Type::Int), ("failed", Type::Int)])
    }
    fn power(&self, _: &Json, _: bool, _: bool) -> Option<Power> {
        Some(Power::Load)
    }
    fn takes_samples(&self) -> bool {
        true
    }
    fn implied_id(&self, options: &Json) -> Option<String> {
        options["load"].as_str().map(str::to_owned)
    }
    fn cost(&self, options: &Json) -> Cost {
        let requests = options["at_most"].as_u64().or(options["requests"].as_u64());
        Cost {
            requests,
            seconds: requests.map(|n| n as f64 / 50.0),
        }
    }
}

impl Syntax for SqlProbe {
    fn key(&self) -> &'static str {
        "sql"
    }
    fn about(&self) -> &'static str {
        "One statement."
    }
    fn schema(&self) -> Schema {
        schema_for!(Sql)
    }
    fn targets(&self) -> &'static [&'static str] {
        &["postgres"]
    }
    fn shape(&self, _: &Json) -> Shape {
        let error = Type::fields([("code", Field::new(Type::String, "The condition's name."))]);
        let mut shape = shape(&[("rows", Type::list(Type::map(Type::Dyn)))]);
        shape.fields.push((
            "error".to_owned(),
            Field::optional(error, "Why it was refused."),
        ));
        shape
    }
    fn power(&self, options: &Json, rollback: bool, _: bool) -> Option<Power> {
        let reads = options["sql"]
            .as_str()
            .is_some_and(|s| s.starts_with("select"));
        (!rollback && !reads).then_some(Power::Write)
    }
    fn implied_id(&self, _: &Json) -> Option<String> {
        None
    }
}

impl Syntax for JwtProbe {
    fn key(&self) -> &'static str {
        "jwt"
    }
    fn about(&self) -> &'static str {
        "A token."
    }
    fn schema(&self) -> Schema {
        schema_for!(Jwt)
    }
    fn targets(&self) -> &'static [&'static str] {
        &[]
    }
    fn shape(&self, _: &Json) -> Shape {
        shape(&[("token", Type::String), ("claims", Type::map(Type::Dyn))])
    }
    fn power(&self, _: &Json, _: bool, _: bool) -> Option<Power> {
        None
    }
    fn implied_id(&self, options: &Json) -> Option<String> {
        options["jwt"].as_str().map(|deed| format!("jwt {deed}"))
    }
    fn secret_facts(&self) -> &'static [&'static str] {
        &["token"]
    }
}

fn host(options: &Json, key: &str) -> Result<Option<String>, String> {
    let text = options[key].as_str().unwrap_or_default();
    match text.split_once("://") {
        Some((_, host)) => Ok(Some(host.to_owned())),
        None => Err(format!("`{text}` has no scheme; write `https://`")),
    }
}

static PROBES: [&dyn Syntax; 4] = [&HttpProbe, &LoadProbe, &SqlProbe, &JwtProbe];
static TARGETS: [TargetSyntax; 3] = [
    TargetSyntax {
        key: "http",
        schema: || schema_for!(HttpTarget),
        host: |options| host(options, "http"),
    },
    TargetSyntax {
        key: "postgres",
        schema: || schema_for!(Address),
        host: |options| host(options, "postgres"),
    },
    TargetSyntax {
        key: "prometheus",
        schema: || schema_for!(Prometheus),
        host: |options| host(options, "prometheus"),
    },
];

/// The pretended probes and targets.
pub(in crate::plan) fn registry() -> Registry<'static> {
    Registry {
        probes: &PROBES,
        targets: &TARGETS,
        check_files: true,
    }
}
