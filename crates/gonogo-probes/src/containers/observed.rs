//! What is recorded of containers, as facts.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_core::record::{Absence, Shown, TargetSeen};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use crate::docker::api::{Container, Image};
use crate::docker::{HealthCheck, Selection, service};
use crate::json_api::shortened;
use crate::probe::Seen;

/// The facts of the probe.
pub(super) fn shape(has_expected: bool) -> Shape {
    let names = || Type::list(Type::String);
    let mut fields = vec![
        (
            "containers",
            Field::new(Type::list(container()), "the containers, by name"),
        ),
        (
            "count",
            Field::new(Type::Int, "how many there are, stopped ones too"),
        ),
        ("running", Field::new(Type::Int, "how many are running")),
        (
            "not_running",
            Field::new(names(), "the names of those that are not"),
        ),
        (
            "unhealthy",
            Field::new(names(), "the names of those whose health check fails"),
        ),
        (
            "unchecked",
            Field::new(
                names(),
                "the names of those without a health check, or with one that checks nothing",
            ),
        ),
        (
            "restarted",
            Field::new(
                names(),
                "the names of those that were started again since the run began",
            ),
        ),
        (
            "images",
            Field::new(
                Type::map(image()),
                "the images, by the name that a container was made from",
            ),
        ),
        (
            "published",
            Field::new(
                names(),
                "ports that are reachable from outside: `0.0.0.0:8080->80/tcp`",
            ),
        ),
    ];
    if has_expected {
        fields.push((
            "missing",
            Field::new(names(), "expected services of which there is no container"),
        ));
        fields.push((
            "unexpected",
            Field::new(
                names(),
                "names of containers whose service was not expected",
            ),
        ));
    }
    Shape {
        fields: fields
            .into_iter()
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
    }
}

fn container() -> Type {
    Type::fields([
        ("name", Field::new(Type::String, "its name")),
        (
            "service",
            Field::optional(Type::String, "its compose service"),
        ),
        ("id", Field::new(Type::String, "its id")),
        (
            "image",
            Field::new(Type::String, "the image's name, as it was made from it"),
        ),
        (
            "image_id",
            Field::new(
                Type::String,
                "the image's id: `sha256:…` of its configuration",
            ),
        ),
        (
            "digest",
            Field::optional(
                Type::String,
                "the image's digest in its registry; absent for an image that was never pushed or pulled",
            ),
        ),
        (
            "platform",
            Field::optional(
                Type::String,
                "`linux/amd64`; absent where the image is gone",
            ),
        ),
        (
            "state",
            Field::new(
                Type::String,
                "`created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`",
            ),
        ),
        (
            "health",
            Field::new(
                Type::String,
                "`healthy`, `unhealthy`, `starting`, or `none` where no check is defined",
            ),
        ),
        (
            "health_output",
            Field::optional(Type::String, "what the last health check printed"),
        ),
        (
            "health_check",
            Field::new(
                Type::fields([
                    ("defined", Field::new(Type::Bool, "whether there is one")),
                    (
                        "checks_nothing",
                        Field::new(
                            Type::Bool,
                            "whether there is none, or one that succeeds whatever the service does",
                        ),
                    ),
                    (
                        "test",
                        Field::new(Type::String, "its command; empty where there is none"),
                    ),
                    (
                        "why",
                        Field::optional(Type::String, "why it checks nothing"),
                    ),
                ]),
                "how its health is checked",
            ),
        ),
        (
            "restarts",
            Field::new(Type::Int, "how often the engine restarted it by its policy"),
        ),
        (
            "restarts_since_start",
            Field::new(
                Type::Int,
                "how often it was started again since the run began",
            ),
        ),
        (
            "restart_policy",
            Field::new(
                Type::String,
                "`no`, `always`, `unless-stopped` or `on-failure`",
            ),
        ),
        (
            "exit_code",
            Field::optional(Type::Int, "how it ended; absent while it runs"),
        ),
        (
            "oom_killed",
            Field::new(
                Type::Bool,
                "whether it was ended because it ran out of memory",
            ),
        ),
        ("created", Field::new(Type::Timestamp, "when it was made")),
        (
            "started_at",
            Field::optional(Type::Timestamp, "when it was started last"),
        ),
        (
            "ports",
            Field::new(Type::list(port()), "its ports that are published"),
        ),
    ])
}

fn port() -> Type {
    Type::fields([
        (
            "container",
            Field::new(Type::Int, "the port in the container"),
        ),
        (
            "protocol",
            Field::new(Type::String, "`tcp`, `udp` or `sctp`"),
        ),
        ("host", Field::new(Type::Int, "the port on the host")),
        (
            "host_ip",
            Field::new(Type::String, "the address on the host: `0.0.0.0` is all"),
        ),
    ])
}

fn image() -> Type {
    Type::fields([
        ("id", Field::new(Type::String, "its id")),
        (
            "digest",
            Field::optional(Type::String, "its digest in its registry"),
        ),
        ("tags", Field::new(Type::list(Type::String), "its names")),
        ("platform", Field::new(Type::String, "`linux/amd64`")),
        ("size", Field::new(Type::Int, "its size in bytes, unpacked")),
        (
            "created",
            Field::optional(Type::Timestamp, "when it was built"),
        ),
    ])
}

/// What was looked at.
pub(super) struct Look<'a> {
    pub(super) selection: &'a Selection,
    pub(super) expected: Option<&'a [String]>,
    pub(super) target: TargetSeen,
    /// By id.
    pub(super) images: &'a BTreeMap<String, Option<Image>>,
}

/// One container.
pub(super) struct OneSeen {
    pub(super) container: Container,
    pub(super) restarts_since_start: i64,
}

impl OneSeen {
    fn name(&self) -> &str {
        self.container.name.trim_start_matches('/')
    }

    fn called(&self) -> &str {
        service(&self.container.config.labels).unwrap_or_else(|| self.name())
    }

    fn health(&self) -> &str {
        let health = self.container.state.health();
        health.map_or("none", |h| h.status.as_str())
    }

    fn health_check(&self) -> HealthCheck {
        let test = self.container.config.healthcheck.as_ref();
        HealthCheck::of(test.map_or(&[][..], |h| &h.test))
    }
}

/// The facts.
pub(super) fn seen(look: &Look<'_>, all: Vec<OneSeen>) -> Seen {
    let names = |such: &dyn Fn(&OneSeen) -> bool| {
        let found = all.iter().filter(|one| such(one));
        Value::List(found.map(|one| one.name().into()).collect())
    };
    let is_running = |one: &OneSeen| one.container.state.word() == "running";
    let mut facts: Map = [
        ("count", Value::from(all.len())),
        (
            "running",
            all.iter().filter(|one| is_running(one)).count().into(),
        ),
        ("not_running", names(&|one| !is_running(one))),
        ("unhealthy", names(&|one| one.health() == "unhealthy")),
        (
            "unchecked",
            names(&|one| one.health_check().checks_nothing.is_some()),
        ),
        ("restarted", names(&|one| one.restarts_since_start > 0)),
        ("images", images(look, &all)),
        ("published", published(&all)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if let Some(expected) = look.expected {
        let there: BTreeSet<&str> = all.iter().map(OneSeen::called).collect();
        let missing = expected
            .iter()
            .filter(|name| !there.contains(name.as_str()));
        let missing = missing.map(|name| name.as_str().into()).collect();
        facts.insert("missing".to_owned(), Value::List(missing));
        let unexpected = names(&|one| !expected.iter().any(|name| name == one.called()));
        facts.insert("unexpected".to_owned(), unexpected);
    }
    let absent = all.is_empty().then(|| Absence {
        fact: "containers".to_owned(),
        why: format!("the engine has no {}", look.selection.words()),
    });
    let shown = table(&all);
    let containers = all.iter().map(|one| Value::Map(container_facts(look, one)));
    facts.insert("containers".to_owned(), Value::List(containers.collect()));
    Seen {
        facts,
        target: Some(look.target.clone()),
        absent: absent.into_iter().collect(),
        shown: vec![shown],
        ..Seen::default()
    }
}

fn container_facts(look: &Look<'_>, one: &OneSeen) -> Map {
    let container = &one.container;
    let image = look.images.get(&container.image).and_then(Option::as_ref);
    let mut facts = Map::new();
    let mut put = |name: &str, value: Value| drop(facts.insert(name.to_owned(), value));
    put("name", one.name().into());
    if let Some(service) = service(&container.config.labels) {
        put("service", service.into());
    }
    put("id", container.id.as_str().into());
    put("image", container.config.image.as_str().into());
    put("image_id", prefixed(&container.image).into());
    if let Some(image) = image {
        put("platform", image.platform().into());
        if let Some(digest) = image.digest(&container.config.image) {
            put("digest", digest.into());
        }
    }
    let state = &container.state;
    put("state", state.word().into());
    put("health", one.health().into());
    if let Some(output) = state.health().and_then(|h| h.last_output()) {
        put("health_output", shortened(output).into());
    }
    put("health_check", health_check_facts(one.health_check()));
    put("restarts", container.restart_count.into());
    put("restarts_since_start", one.restarts_since_start.into());
    let policy = container.host_config.restart_policy.name.as_str();
    put(
        "restart_policy",
        if policy.is_empty() { "no" } else { policy }.into(),
    );
    if matches!(state.word(), "exited" | "dead") {
        put("exit_code", state.exit_code.into());
    }
    put("oom_killed", state.oom_killed.into());
    put("created", container.created.into());
    if let Some(at) = state.started_at() {
        put("started_at", at.into());
    }
    put(
        "ports",
        Value::List(ports(container).map(|p| p.facts()).collect()),
    );
    facts
}

fn health_check_facts(check: HealthCheck) -> Value {
    let mut facts = Map::new();
    facts.insert("defined".to_owned(), check.defined.into());
    facts.insert(
        "checks_nothing".to_owned(),
        check.checks_nothing.is_some().into(),
    );
    facts.insert("test".to_owned(), check.test.into());
    if let Some(why) = check.checks_nothing {
        facts.insert("why".to_owned(), why.into());
    }
    Value::Map(facts)
}

/// A port on the host.
struct Port<'a> {
    container: u16,
    protocol: &'a str,
    host: u16,
    host_ip: &'a str,
}

impl Port<'_> {
    fn facts(&self) -> Value {
        let facts = [
            ("container", Value::from(self.container)),
            ("protocol", self.protocol.into()),
            ("host", self.host.into()),
            ("host_ip", self.host_ip.into()),
        ];
        Value::Map(facts.map(|(n, v)| (n.to_owned(), v)).into_iter().collect())
    }

    fn words(&self) -> String {
        format!(
            "{}:{}->{}/{}",
            self.host_ip, self.host, self.container, self.protocol
        )
    }

    fn is_reachable(&self) -> bool {
        let address = self.host_ip.parse::<std::net::IpAddr>();
        address.is_ok_and(|a| !a.is_loopback())
    }
}

fn ports(container: &Container) -> impl Iterator<Item = Port<'_>> {
    container
        .network_settings
        .ports
        .iter()
        .flat_map(|(name, bindings)| {
            let (port, protocol) = name.split_once('/').unwrap_or((name, "tcp"));
            let bindings = bindings.iter().flatten();
            bindings.filter_map(move |binding| {
                let host_ip = match binding.host_ip.as_str() {
                    "" => "0.0.0.0",
                    ip => ip,
                };
                Some(Port {
                    container: port.parse().ok()?,
                    protocol,
                    host: binding.host_port.parse().ok()?,
                    host_ip,
                })
            })
        })
}

fn published(all: &[OneSeen]) -> Value {
    let ports = all.iter().flat_map(|one| ports(&one.container));
    let reachable = ports.filter(Port::is_reachable);
    Value::List(reachable.map(|p| p.words().into()).collect())
}

fn images(look: &Look<'_>, all: &[OneSeen]) -> Value {
    let mut images = Map::new();
    for one in all {
        let Some(Some(image)) = look.images.get(&one.container.image) else {
            continue;
        };
        let name = &one.container.config.image;
        let mut facts = Map::new();
        let mut put = |name: &str, value: Value| drop(facts.insert(name.to_owned(), value));
        put("id", prefixed(&image.id).into());
        if let Some(digest) = image.digest(name) {
            put("digest", digest.into());
        }
        let tags = image.repo_tags.iter().map(|t| t.as_str().into());
        put("tags", Value::List(tags.collect()));
        put("platform", image.platform().into());
        put("size", image.size.into());
        if let Some(at) = image.created {
            put("created", at.into());
        }
        images.insert(name.clone(), Value::Map(facts));
    }
    Value::Map(images)
}

/// An image's id with its algorithm, which some engines leave out.
fn prefixed(id: &str) -> String {
    if id.contains(':') {
        return id.to_owned();
    }
    format!("sha256:{id}")
}

fn table(all: &[OneSeen]) -> Shown {
    let row = |one: &OneSeen| {
        let check = one.health_check();
        let health = match (one.health(), check.checks_nothing) {
            (health, Some(why)) if check.defined => format!("{health} ({why})"),
            (health, _) => health.to_owned(),
        };
        vec![
            one.name().to_owned(),
            one.container.config.image.clone(),
            one.container.state.word().to_owned(),
            health,
            format!(
                "{} ({} now)",
                one.container.restart_count, one.restarts_since_start
            ),
        ]
    };
    Shown::Table {
        title: "Containers".to_owned(),
        head: ["name", "image", "state", "health", "restarts (in this run)"]
            .map(str::to_owned)
            .to_vec(),
        rows: all.iter().map(row).collect(),
    }
}
