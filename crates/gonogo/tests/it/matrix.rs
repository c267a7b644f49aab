//! Invariant 4 of the trust model: no data is never a pass. Every kind of check × every way in which data can be
//! missing or wrong, through the program as a user has it, with the expectations that people write without much
//! thought (`status < 500`, `value < 100.0`, `size(findings) == 0`): no cell gives `pass`, none a GO.

mod case;
mod checklist;
mod compose;
mod containers;
mod databases;
mod default_credentials;
mod exec;
mod files;
mod git;
mod hostile;
mod http;
mod jwt;
mod load;
mod migrations;
mod openapi;
mod postgres;
mod prometheus;
mod redis;
mod rollback;
mod secrets;
mod seen;
mod sqlite;
mod target;
mod tls;
mod web;
mod webhook;

use case::{Case, Fails, Healthy};

/// The rows: each kind of check, the deeds of a probe apart where they look at different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Load,
    Scrape,
    Query,
    Range,
    Sqlite,
    Postgres,
    Inspect,
    Mint,
    Files,
    Secrets,
    Migrations,
    Exec,
    Containers,
    Kubernetes,
    Resources,
    Compose,
    Redis,
    Schema,
    Capacity,
    Backup,
    Cors,
    SecurityHeaders,
    RateLimit,
    Tls,
    Webhook,
    DefaultCredentials,
    Openapi,
    Git,
    Rollback,
    Checklist,
}

impl Kind {
    const ALL: [Self; 31] = [
        Self::Http,
        Self::Load,
        Self::Scrape,
        Self::Query,
        Self::Range,
        Self::Sqlite,
        Self::Postgres,
        Self::Inspect,
        Self::Mint,
        Self::Files,
        Self::Secrets,
        Self::Migrations,
        Self::Exec,
        Self::Containers,
        Self::Kubernetes,
        Self::Resources,
        Self::Compose,
        Self::Redis,
        Self::Schema,
        Self::Capacity,
        Self::Backup,
        Self::Cors,
        Self::SecurityHeaders,
        Self::RateLimit,
        Self::Tls,
        Self::Webhook,
        Self::DefaultCredentials,
        Self::Openapi,
        Self::Git,
        Self::Rollback,
        Self::Checklist,
    ];

    /// The key of its probe.
    fn probe(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Load => "load",
            Self::Scrape | Self::Query | Self::Range => "prometheus",
            Self::Sqlite | Self::Postgres => "sql",
            Self::Inspect | Self::Mint => "jwt",
            Self::Files => "files",
            Self::Secrets => "secrets",
            Self::Migrations => "migrations",
            Self::Exec => "exec",
            Self::Containers => "containers",
            Self::Kubernetes => "kubernetes",
            Self::Resources => "resources",
            Self::Compose => "compose",
            Self::Redis => "redis",
            Self::Schema => "schema",
            Self::Capacity => "capacity",
            Self::Backup => "backup",
            Self::Cors => "cors",
            Self::SecurityHeaders => "security-headers",
            Self::RateLimit => "rate-limit",
            Self::Tls => "tls",
            Self::Webhook => "webhook",
            Self::DefaultCredentials => "default-credentials",
            Self::Openapi => "openapi",
            Self::Git => "git",
            Self::Rollback => "rollback",
            Self::Checklist => "checklist",
        }
    }
}

/// The columns: the ways in which data is missing or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoData,
    NotANumber,
    Infinite,
    Empty,
    Timeout,
    Refused,
    Dns,
    Tls,
    RedirectLoop,
    Truncated,
    WrongType,
    Overflow,
    ToolAbsent,
    Denied,
    Panic,
    ClockSkew,
}

impl Fault {
    const ALL: [Self; 16] = [
        Self::NoData,
        Self::NotANumber,
        Self::Infinite,
        Self::Empty,
        Self::Timeout,
        Self::Refused,
        Self::Dns,
        Self::Tls,
        Self::RedirectLoop,
        Self::Truncated,
        Self::WrongType,
        Self::Overflow,
        Self::ToolAbsent,
        Self::Denied,
        Self::Panic,
        Self::ClockSkew,
    ];
}

/// One cell. A row's function matches on the column without a wildcard: a cell that is missing does not compile.
enum Cell {
    /// Runs, each of which must end as it says, and none in `pass` or GO.
    Runs(Vec<Case<Fails>>),
    /// The combination cannot exist; why.
    Cannot(&'static str),
    /// The cell is held by another test, named here: it cannot be provoked from outside the program.
    Elsewhere(&'static str),
}

/// What every row says of a panic: no input of a target or plan is known to cause one.
const PANIC: Cell = Cell::Elsewhere(
    "engine::caught::tests: a panic of any probe is caught and becomes `error` of its check",
);

/// No clock of the other side enters.
const NO_CLOCK: Cell = Cell::Cannot("nothing that is observed depends on two clocks");
/// Nothing is sent.
const NO_NETWORK: Cell = Cell::Cannot("nothing is sent over a network");
/// There is nothing that could redirect.
const NO_REDIRECT: Cell = Cell::Cannot("the protocol knows no redirects");

/// Runs a row: the healthy check must pass and be GO, or nothing below it would mean anything; then each cell.
fn hold(kind: Kind, healthy: Case<Healthy>, cell: impl Fn(Fault) -> Cell) {
    let mut wrong = Vec::new();
    if let Err(why) = healthy.run() {
        wrong.push(format!("{kind:?} × healthy: {why}"));
    }
    let mut runs = Vec::new();
    for fault in Fault::ALL {
        match cell(fault) {
            Cell::Runs(cases) => {
                assert!(!cases.is_empty(), "{kind:?} × {fault:?} has no run");
                runs.extend(cases.into_iter().map(|case| (fault, case)));
            }
            Cell::Cannot(why) | Cell::Elsewhere(why) => {
                assert!(why.len() > 20, "{kind:?} × {fault:?} does not say why");
            }
        }
    }
    wrong.extend(side_by_side(kind, runs));
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Most runs wait for a time limit, so a few go side by side.
fn side_by_side(kind: Kind, runs: Vec<(Fault, Case<Fails>)>) -> Vec<String> {
    const WORKERS: usize = 4;
    let left = std::sync::Mutex::new(runs.into_iter());
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some((fault, case)) = next else { break };
                    if let Err(why) = case.run() {
                        let name = case.name();
                        let told = format!("{kind:?} × {fault:?}, {name}: {why}");
                        wrong.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

#[test]
fn every_probe_has_a_row() {
    for probe in gonogo_probes::probes() {
        let rows = Kind::ALL.iter().filter(|k| k.probe() == probe.key());
        assert!(
            rows.count() > 0,
            "`{}` has no row in the matrix",
            probe.key()
        );
    }
}
