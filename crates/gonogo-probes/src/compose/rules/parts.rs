//! The parts of a service.

use std::collections::BTreeSet;

use super::Look;
use crate::compose::observed::{Level, Service};
use crate::docker::HealthCheck;
use crate::yaml::{Kind, Node};

/// The keys of a service (compose specification, “Services top-level element”).
const SERVICE: &[&str] = &[
    "annotations",
    "attach",
    "blkio_config",
    "build",
    "cap_add",
    "cap_drop",
    "cgroup",
    "cgroup_parent",
    "command",
    "configs",
    "container_name",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "credential_spec",
    "depends_on",
    "deploy",
    "develop",
    "device_cgroup_rules",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extends",
    "external_links",
    "extra_hosts",
    "gpus",
    "group_add",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "ipc",
    "isolation",
    "label_file",
    "labels",
    "links",
    "logging",
    "mac_address",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "models",
    "network_mode",
    "networks",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "pids_limit",
    "platform",
    "ports",
    "post_start",
    "pre_stop",
    "privileged",
    "profiles",
    "provider",
    "pull_policy",
    "read_only",
    "restart",
    "runtime",
    "scale",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tmpfs",
    "tty",
    "ulimits",
    "use_api_socket",
    "user",
    "userns_mode",
    "uts",
    "volumes",
    "volumes_from",
    "working_dir",
    "pull_refresh_after",
];

/// The keys of a health check.
const HEALTH: [&str; 7] = [
    "test",
    "interval",
    "timeout",
    "retries",
    "start_period",
    "start_interval",
    "disable",
];

/// What the top of the file declares.
pub(super) struct Declared {
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
    configs: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Declared {
    pub(super) fn of(file: &Node) -> Self {
        let names = |key: &str| {
            let members = file.get(key).and_then(Node::map).unwrap_or(&[]);
            members.iter().map(|(name, _)| name.clone()).collect()
        };
        let mut networks: BTreeSet<String> = names("networks");
        networks.insert("default".to_owned());
        Self {
            networks,
            volumes: names("volumes"),
            configs: names("configs"),
            secrets: names("secrets"),
        }
    }
}

impl Look<'_> {
    pub(super) fn service(&mut self, name: &str, node: &Node, declared: &Declared) -> Service {
        let place = format!("services.{name}");
        let mut service = Service {
            name: name.to_owned(),
            ..Service::default()
        };
        let Some(members) = node.map() else {
            let message = format!("the service is {}, and a mapping is due", node.what());
            self.error("structure", &place, node.line, message);
            return service;
        };
        self.known_keys(members, SERVICE, &place);
        if let Some(extends) = node.get("extends") {
            self.elsewhere("extends", extends.line);
        }
        let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
        service.image = text("image").filter(|i| !i.is_empty());
        service.has_build = node.get("build").is_some();
        service.platform = text("platform");
        service.profiles = texts(node.get("profiles"));
        service.depends_on = names(node.get("depends_on"));
        // One that is not required may be missing.
        service.depends_on.retain(|other| {
            let required = node
                .get("depends_on")
                .and_then(|d| d.get(other)?.get("required")?.text());
            required != Some("false")
        });
        let other = ["extends", "provider"]
            .iter()
            .any(|k| node.get(k).is_some());
        if service.image.is_none() && !service.has_build && !other {
            let message =
                "it has neither `image` nor `build`, or the image's name is empty".to_owned();
            self.error("no-image", &place, node.line, message);
        }
        self.restart(node, &place, &mut service);
        self.ports(node, &place, &mut service);
        self.health(node, &place, &mut service);
        self.references(node, &place, declared);
        self.env_files(node, &place);
        service
    }

    fn restart(&mut self, node: &Node, place: &str, service: &mut Service) {
        let Some(restart) = node.get("restart") else {
            return;
        };
        let word = restart.text().unwrap_or("");
        let fine = matches!(word, "no" | "always" | "unless-stopped" | "on-failure")
            || word
                .strip_prefix("on-failure:")
                .is_some_and(|n| n.parse::<u32>().is_ok());
        if fine {
            service.restart = Some(word.to_owned());
        } else {
            let message =
                "`no`, `always`, `unless-stopped` or `on-failure[:TIMES]` is due".to_owned();
            self.error(
                "restart",
                &format!("{place}.restart"),
                restart.line,
                message,
            );
        }
    }

    fn ports(&mut self, node: &Node, place: &str, service: &mut Service) {
        let Some(ports) = node.get("ports") else {
            return;
        };
        let place = format!("{place}.ports");
        let Some(all) = ports.list() else {
            let message = format!("it is {}, and a list is due", ports.what());
            self.error("port", &place, ports.line, message);
            return;
        };
        for port in all {
            if let Some(text) = written_port(port) {
                service.ports.push(text);
            } else {
                let message = "this is no port: `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`".to_owned();
                self.error("port", &place, port.line, message);
            }
        }
    }

    fn health(&mut self, node: &Node, place: &str, service: &mut Service) {
        let Some(health) = node.get("healthcheck") else {
            return;
        };
        let place = format!("{place}.healthcheck");
        let Some(members) = health.map() else {
            let message = format!("it is {}, and a mapping is due", health.what());
            self.error("health-check", &place, health.line, message);
            return;
        };
        self.known_keys(members, &HEALTH, &place);
        for key in ["interval", "timeout", "start_period", "start_interval"] {
            if let Some(span) = health.get(key).filter(|s| !s.text().is_some_and(is_span)) {
                let message = "a span of time such as `1m30s` is due".to_owned();
                self.error(
                    "health-check",
                    &format!("{place}.{key}"),
                    span.line,
                    message,
                );
            }
        }
        if health.get("disable").and_then(Node::text) == Some("true") {
            service.health_check = Some(HealthCheck::of(&[]));
            return;
        }
        let Some(test) = health.get("test") else {
            return;
        };
        let words = match &test.kind {
            Kind::Text(script) => vec!["CMD-SHELL".to_owned(), script.clone()],
            Kind::List(items) => items
                .iter()
                .filter_map(|i| i.text().map(str::to_owned))
                .collect(),
            Kind::Null | Kind::Map(_) => Vec::new(),
        };
        if !matches!(
            words.first().map(String::as_str),
            Some("CMD" | "CMD-SHELL" | "NONE")
        ) {
            let message =
                "a text is due, or a list that begins with `CMD`, `CMD-SHELL` or `NONE`".to_owned();
            self.error("health-check", &format!("{place}.test"), test.line, message);
            return;
        }
        let check = HealthCheck::of(&words);
        if let Some(why) = check.checks_nothing.clone().filter(|_| check.defined) {
            let message = format!("the health check checks nothing: {why}");
            self.report(
                Level::Warning,
                "checks-nothing",
                &format!("{place}.test"),
                test.line,
                message,
            );
        }
        service.health_check = Some(check);
    }

    /// Networks, volumes, configs and secrets that a service names must be declared.
    fn references(&mut self, node: &Node, place: &str, declared: &Declared) {
        let of = |key: &str| names_of(node.get(key));
        let mut wanted: Vec<(&str, String, usize, bool)> = Vec::new();
        for (key, known) in [
            ("networks", &declared.networks),
            ("configs", &declared.configs),
            ("secrets", &declared.secrets),
        ] {
            for (name, line) in of(key) {
                let is_known = known.contains(&name);
                wanted.push((key, name, line, is_known));
            }
        }
        for (name, line) in volumes(node.get("volumes")) {
            let is_known = declared.volumes.contains(&name);
            wanted.push(("volumes", name, line, is_known));
        }
        for (key, name, line, is_known) in wanted {
            if !is_known {
                let message =
                    format!("`{name}` is not declared under `{key}` at the top of the file");
                self.error("undeclared", &format!("{place}.{key}"), line, message);
            }
        }
    }

    fn env_files(&mut self, node: &Node, place: &str) {
        let all = match node.get("env_file") {
            None => return,
            Some(one) => one
                .list()
                .map_or_else(|| vec![one], |all| all.iter().collect()),
        };
        for one in all {
            let path = one.text().or_else(|| one.get("path")?.text());
            let required = one.get("required").and_then(Node::text) != Some("false");
            if let Some(path) = path.filter(|p| required && !(self.is_there)(p)) {
                let message = format!("the env file `{path}` is not there");
                self.error(
                    "file-missing",
                    &format!("{place}.env_file"),
                    one.line,
                    message,
                );
            }
        }
    }

    /// Files that the top of the file names must be there.
    pub(super) fn declarations(&mut self, file: &Node) {
        for key in ["configs", "secrets"] {
            let members = file.get(key).and_then(Node::map).unwrap_or(&[]);
            for (name, node) in members {
                let path = node.get("file").and_then(Node::text);
                if let Some(path) = path.filter(|p| !(self.is_there)(p)) {
                    let message = format!("its file `{path}` is not there");
                    self.error("file-missing", &format!("{key}.{name}"), node.line, message);
                }
            }
        }
    }
}

/// The texts of a list.
fn texts(node: Option<&Node>) -> Vec<String> {
    let items = node.and_then(Node::list).unwrap_or(&[]);
    items
        .iter()
        .filter_map(|i| i.text().map(str::to_owned))
        .collect()
}

/// The names in a list, or the keys of a mapping.
fn names(node: Option<&Node>) -> Vec<String> {
    names_of(node).into_iter().map(|(name, _)| name).collect()
}

fn names_of(node: Option<&Node>) -> Vec<(String, usize)> {
    match node.map(|n| &n.kind) {
        Some(Kind::Map(members)) => members.iter().map(|(n, v)| (n.clone(), v.line)).collect(),
        Some(Kind::List(items)) => items
            .iter()
            .filter_map(|i| {
                let name = i.text().or_else(|| i.get("source")?.text())?;
                Some((name.to_owned(), i.line))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The named volumes that a service mounts: `data:/var/lib`, not `./data:/var/lib`.
fn volumes(node: Option<&Node>) -> Vec<(String, usize)> {
    let items = node.and_then(Node::list).unwrap_or(&[]);
    let name = |item: &Node| {
        if item.map().is_some() {
            let kind = item.get("type").and_then(Node::text);
            return (kind == Some("volume"))
                .then(|| item.get("source")?.text().map(str::to_owned))?;
        }
        let (source, _) = item.text()?.split_once(':')?;
        let is_path = source.starts_with(['.', '/', '~', '\\']) || source.len() == 1;
        (!is_path && !source.is_empty()).then(|| source.to_owned())
    };
    items
        .iter()
        .filter_map(|i| Some((name(i)?, i.line)))
        .collect()
}

/// A port as it is written; nothing where it is none.
fn written_port(node: &Node) -> Option<String> {
    if node.map().is_some() {
        let text = |key: &str| node.get(key).and_then(Node::text);
        let target = text("target")?;
        range(target)?;
        let protocol = text("protocol").map_or_else(String::new, |p| format!("/{p}"));
        let published = match text("published") {
            Some(published) => {
                range(published)?;
                format!("{published}:")
            }
            None => String::new(),
        };
        let address = text("host_ip").map_or_else(String::new, |ip| format!("{ip}:"));
        return Some(format!("{address}{published}{target}{protocol}"));
    }
    let text = node.text()?;
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !matches!(protocol, "tcp" | "udp" | "sctp") {
        return None;
    }
    let (rest, container) = ports
        .rsplit_once(':')
        .map_or((None, ports), |(r, c)| (Some(r), c));
    range(container)?;
    if let Some(rest) = rest {
        let (address, host) = rest
            .rsplit_once(':')
            .map_or((None, rest), |(a, h)| (Some(a), h));
        // `127.0.0.1::80` leaves the host's port open.
        if !(host.is_empty() && address.is_some()) {
            range(host)?;
        }
        if let Some(address) = address {
            let bare = address.trim_start_matches('[').trim_end_matches(']');
            bare.parse::<std::net::IpAddr>().ok()?;
        }
    }
    Some(text.to_owned())
}

/// `80` or `8000-8010`.
fn range(text: &str) -> Option<()> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to): (u16, u16) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some(())
}

/// The host's address, port and protocol that a port takes; nothing where the engine chooses, or for a range.
pub(super) fn host_port(port: &str) -> Option<String> {
    let (ports, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let (host, _) = ports.rsplit_once(':')?;
    if host.is_empty() || host.contains('-') || host.ends_with(':') {
        return None;
    }
    Some(format!("{host}/{protocol}"))
}

/// `1m30s`, `500ms`: numbers with `us`, `ms`, `s`, `m`, `h`, `d`, `w`.
fn is_span(text: &str) -> bool {
    let mut rest = text;
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(rest.len());
        if digits == 0 {
            return false;
        }
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        if !matches!(
            &rest[..unit],
            "us" | "µs" | "ns" | "ms" | "s" | "m" | "h" | "d" | "w"
        ) {
            return rest.is_empty() && text == "0";
        }
        rest = &rest[unit..];
    }
    true
}
