//! The probes: each observes one kind of thing and judges nothing. One folder each, and one line in the list below.

pub mod backup;
#[cfg(test)]
mod bench;
pub mod capacity;
pub mod checklist;
pub mod compose;
pub mod containers;
pub mod cors;
pub mod ctx;
pub mod database;
pub mod default_credentials;
pub mod docker;
pub mod exec;
pub mod files;
pub mod git;
pub mod http;
mod json;
mod json_api;
pub mod jwt;
pub mod kubernetes;
pub mod load;
pub mod migrations;
pub mod openapi;
pub mod probe;
pub mod prometheus;
pub mod rate_limit;
pub mod redis;
pub mod resources;
pub mod rollback;
pub mod schema;
pub mod secrets;
pub mod security_headers;
pub mod sql;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod texts;
pub mod tls;
pub mod webhook;
mod yaml;

use gonogo_core::plan::{Registry, Syntax, TargetSyntax};
use probe::Probe;

/// All probes, in the order of the reference. A new probe is one folder and one line here.
static PROBES: &[&dyn Probe] = &[
    &http::Http,
    &jwt::Jwt,
    &load::Load,
    &sql::Sql,
    &schema::Schema,
    &capacity::Capacity,
    &backup::Backup,
    &prometheus::Prometheus,
    &files::Files,
    &secrets::Secrets,
    &migrations::Migrations,
    &exec::Exec,
    &containers::Containers,
    &compose::Compose,
    &kubernetes::Kubernetes,
    &resources::Resources,
    &redis::Redis,
    &cors::Cors,
    &security_headers::SecurityHeaders,
    &rate_limit::RateLimit,
    &tls::Tls,
    &webhook::Webhook,
    &default_credentials::DefaultCredentials,
    &checklist::Checklist,
    &openapi::Openapi,
    &git::Git,
    &rollback::Rollback,
];

/// All target kinds.
static TARGETS: &[TargetSyntax] = &[
    http::TARGET,
    database::POSTGRES,
    database::MYSQL,
    database::SQLITE,
    prometheus::TARGET,
    files::TARGET,
    docker::TARGET,
    kubernetes::TARGET,
    redis::TARGET,
];

/// The probe of a plan key.
pub fn probe(key: &str) -> Option<&'static dyn Probe> {
    PROBES.iter().copied().find(|p| p.key() == key)
}

/// All probes.
pub fn probes() -> &'static [&'static dyn Probe] {
    PROBES
}

/// What the plan loader must know of all probes.
pub fn registry() -> Registry<'static> {
    use std::sync::OnceLock;
    static SYNTAX: OnceLock<Vec<&'static dyn Syntax>> = OnceLock::new();
    let probes = SYNTAX.get_or_init(|| {
        PROBES
            .iter()
            .map(|p| {
                let syntax: &'static dyn Syntax = *p;
                syntax
            })
            .collect()
    });
    Registry {
        probes,
        targets: TARGETS,
        check_files: true,
    }
}
