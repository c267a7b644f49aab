//! The compose specification, as far as it is held against a file. Each rule has a name; the guide lists them.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use gonogo_core::diag::nearest;

use super::interpolate::{Use, fill};
use super::observed::{Found, Level, Problem, Service, Variable};
use crate::yaml::{Kind, Node};

/// The keys at the top of a file.
const TOP: [&str; 9] = [
    "version", "name", "services", "networks", "volumes", "configs", "secrets", "include", "models",
];

/// Looks at a file. `is_there` tells of a path, as the file writes it.
pub(super) fn look(
    file: &Node,
    variables: &BTreeMap<String, String>,
    is_there: &dyn Fn(&str) -> bool,
) -> Found {
    let mut look = Look {
        known: variables,
        is_there,
        found: Found::default(),
        uses: Vec::new(),
    };
    let filled = look.filled(file, "");
    look.file(&filled);
    look.variables();
    look.found
}

/// A look under way.
pub(super) struct Look<'a> {
    known: &'a BTreeMap<String, String>,
    is_there: &'a dyn Fn(&str) -> bool,
    found: Found,
    uses: Vec<(Use, usize)>,
}

impl Look<'_> {
    fn report(
        &mut self,
        level: Level,
        rule: &'static str,
        place: &str,
        line: usize,
        message: String,
    ) {
        self.found.problems.push(Problem {
            level,
            rule,
            place: place.to_owned(),
            line,
            message,
        });
    }

    fn error(&mut self, rule: &'static str, place: &str, line: usize, message: String) {
        self.report(Level::Error, rule, place, line, message);
    }

    /// The same tree with all variables put in; keys are left as they are.
    fn filled(&mut self, node: &Node, place: &str) -> Node {
        let kind = match &node.kind {
            Kind::Null => Kind::Null,
            Kind::Text(text) => {
                let fill = fill(text, self.known);
                if let Some(why) = fill.error {
                    self.error("variable-syntax", place, node.line, why);
                }
                self.uses
                    .extend(fill.uses.into_iter().map(|u| (u, node.line)));
                Kind::Text(fill.text)
            }
            Kind::List(items) => {
                Kind::List(items.iter().map(|item| self.filled(item, place)).collect())
            }
            Kind::Map(members) => {
                let mut out = Vec::with_capacity(members.len());
                for (key, value) in members {
                    let place = if place.is_empty() {
                        key.clone()
                    } else {
                        format!("{place}.{key}")
                    };
                    out.push((key.clone(), self.filled(value, &place)));
                }
                Kind::Map(out)
            }
        };
        Node {
            line: node.line,
            kind,
            plain: false,
        }
    }

    fn variables(&mut self) {
        let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
        let mut told: BTreeSet<String> = BTreeSet::new();
        for (one, line) in std::mem::take(&mut self.uses) {
            let known = variables
                .entry(one.name.clone())
                .or_insert_with(|| Variable {
                    name: one.name.clone(),
                    set: true,
                    default: true,
                    required: false,
                });
            known.set &= one.set;
            known.default &= one.default;
            known.required |= one.required;
            if one.set || one.default || !told.insert(one.name.clone()) {
                continue;
            }
            let name = &one.name;
            if one.required {
                let message = format!("the file demands `{name}`, and no env file gives it");
                self.error("variable-required", name, line, message);
            } else {
                let message =
                    format!("`{name}` has no value and no default: compose puts nothing in");
                self.report(Level::Warning, "variable-unset", name, line, message);
            }
        }
        self.found.variables = variables.into_values().collect();
    }

    fn file(&mut self, file: &Node) {
        let Some(members) = file.map() else {
            let message = format!(
                "the file is {}, and a mapping with `services` is due",
                file.what()
            );
            self.error("structure", "", file.line, message);
            return;
        };
        self.known_keys(members, &TOP, "");
        if let Some(include) = file.get("include") {
            self.elsewhere("include", include.line);
        }
        let Some(services) = file.get("services") else {
            self.error(
                "structure",
                "services",
                file.line,
                "there are no `services`".to_owned(),
            );
            return;
        };
        let Some(all) = services.map().filter(|all| !all.is_empty()) else {
            let message = format!(
                "`services` is {}, and a mapping of services is due",
                services.what()
            );
            self.error("structure", "services", services.line, message);
            return;
        };
        let declared = parts::Declared::of(file);
        let mut services = Vec::with_capacity(all.len());
        for (name, node) in all {
            services.push(self.service(name, node, &declared));
        }
        self.between(&services, all);
        self.declarations(file);
        self.found.services = Some(services);
    }

    fn elsewhere(&mut self, what: &str, line: usize) {
        self.found.elsewhere = Some(format!(
            "the file takes parts from other files with `{what}` (line {line}), which are not followed here; name the file that `docker compose config` prints"
        ));
    }

    /// Keys that the specification does not have; `x-…` may be anything.
    fn known_keys(&mut self, members: &[(String, Node)], known: &[&str], place: &str) {
        for (key, node) in members {
            if known.contains(&key.as_str()) || key.starts_with("x-") {
                continue;
            }
            let meant = nearest(key, known.iter().copied())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let message = format!("compose knows no `{key}` here{meant}");
            let place = if place.is_empty() {
                key.clone()
            } else {
                format!("{place}.{key}")
            };
            self.error("unknown-key", &place, node.line, message);
        }
    }

    /// What concerns several services.
    fn between(&mut self, services: &[Service], nodes: &[(String, Node)]) {
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for (service, (_, node)) in services.iter().zip(nodes) {
            let place = format!("services.{}", service.name);
            for other in &service.depends_on {
                let known = services.iter().find(|s| s.name == *other);
                let message = match known {
                    None => format!("it depends on `{other}`, which is no service of the file"),
                    Some(_) if *other == service.name => "it depends on itself".to_owned(),
                    Some(other) if waits_for_health(node, &other.name) && is_disabled(other) => {
                        format!(
                            "it waits until `{}` is healthy, whose health check is disabled",
                            other.name
                        )
                    }
                    Some(_) => continue,
                };
                self.error(
                    "depends-on",
                    &format!("{place}.depends_on"),
                    node.line,
                    message,
                );
            }
            // Services of different profiles need not run together.
            if !service.profiles.is_empty() {
                continue;
            }
            for port in &service.ports {
                let Some(host) = parts::host_port(port) else {
                    continue;
                };
                if let Some(other) = taken.insert(host.clone(), service.name.clone())
                    && other != service.name
                {
                    let message = format!("the host's port {host} is taken by `{other}` already");
                    self.error("port-twice", &format!("{place}.ports"), node.line, message);
                }
            }
        }
        self.circles(services);
    }

    /// Services that wait for each other are never started.
    fn circles(&mut self, services: &[Service]) {
        let mut left: Vec<&Service> = services.iter().collect();
        loop {
            let before = left.len();
            let names: BTreeSet<&str> = left.iter().map(|s| s.name.as_str()).collect();
            left.retain(|s| {
                s.depends_on
                    .iter()
                    .any(|d| *d != s.name && names.contains(d.as_str()))
            });
            if left.len() == before {
                break;
            }
        }
        if !left.is_empty() {
            let names: Vec<&str> = left.iter().map(|s| s.name.as_str()).collect();
            let message = format!(
                "these wait for each other, or for some that do: {}",
                names.join(", ")
            );
            self.error("depends-on", "services", 0, message);
        }
    }
}

fn is_disabled(service: &Service) -> bool {
    service.health_check.as_ref().is_some_and(|c| !c.defined)
}

fn waits_for_health(node: &Node, other: &str) -> bool {
    let condition = node
        .get("depends_on")
        .and_then(|d| d.get(other)?.get("condition")?.text());
    condition == Some("service_healthy")
}
