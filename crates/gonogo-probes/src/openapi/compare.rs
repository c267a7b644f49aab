//! What changed between two descriptions, and what of it breaks those who use the service.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::model::{Api, Location, Media, Operation, Parameter, unnamed};
use super::schemas::{Direction, Schemas};
use super::valid::shortened;

mod schema;

use schema::Comparison;

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
    /// Nothing where only a list of operations is compared.
    pub(super) changed: Option<Vec<Change>>,
    /// Why the comparison is not whole.
    pub(super) partial: Option<String>,
}

/// A change within an operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    pub(super) operation: String,
    /// Where in it: `request body /items`, `answer 200`, `query parameter limit`.
    pub(super) place: String,
    pub(super) what: String,
    /// Whether somebody who uses the service as it was may fail on it.
    pub(super) is_breaking: bool,
}

impl Changes {
    /// All that breaks, for a person and for `changes.breaking == []`.
    pub(super) fn breaking(&self) -> Vec<String> {
        let removed = self.removed.iter().map(|o| format!("{o}: removed"));
        let changed = self.changed.iter().flatten().filter(|c| c.is_breaking);
        let changed = changed.map(|c| format!("{}: {}: {}", c.operation, c.place, c.what));
        removed.chain(changed).collect()
    }
}

/// An operation's name without those of its parameters: `GET /users/{}`.
fn key(name: &str) -> String {
    match name.split_once(' ') {
        Some((method, path)) => format!("{method} {}", unnamed(path)),
        None => name.to_owned(),
    }
}

/// Compares with a list of operations.
pub(super) fn with_list(expected: &[String], api: &Api<'_>) -> Changes {
    let keyed = |names: Vec<String>| -> BTreeMap<String, String> {
        names.into_iter().map(|n| (key(&n), n)).collect()
    };
    let expected = keyed(expected.to_vec());
    let there = keyed(api.operations.iter().map(Operation::name).collect());
    Changes {
        added: only_in(&there, &expected),
        removed: only_in(&expected, &there),
        changed: None,
        partial: None,
    }
}

fn only_in<T>(these: &BTreeMap<String, String>, others: &BTreeMap<String, T>) -> Vec<String> {
    let only = these.iter().filter(|(key, _)| !others.contains_key(*key));
    only.map(|(_, name)| name.clone()).collect()
}

/// One of the two that are compared.
pub(super) struct Side<'a, 'd> {
    pub(super) api: &'a Api<'d>,
    pub(super) schemas: &'a mut Schemas<'d>,
}

/// Compares two descriptions.
pub(super) fn compared(before: Side<'_, '_>, after: Side<'_, '_>) -> Changes {
    let mut changes = with_list(
        &before
            .api
            .operations
            .iter()
            .map(Operation::name)
            .collect::<Vec<_>>(),
        after.api,
    );
    let mut comparing = Comparing {
        before: before.schemas,
        after: after.schemas,
        schemes: (&before.api.schemes, &after.api.schemes),
        operation: String::new(),
        changes: Vec::new(),
        comparison: Comparison::default(),
    };
    let mut now: BTreeMap<String, &Operation<'_>> = BTreeMap::new();
    for operation in &after.api.operations {
        now.insert(key(&operation.name()), operation);
    }
    for old in &before.api.operations {
        if let Some(new) = now.get(&key(&old.name())) {
            comparing.operation = new.name();
            comparing.operations(old, new);
        }
    }
    let is_full = comparing.before.is_full() || comparing.after.is_full();
    let too_many = is_full.then(|| "there are more schemas than are compared".to_owned());
    changes.partial = comparing.comparison.partial.or(too_many);
    let mut changed = comparing.changes;
    changed.sort();
    changed.dedup();
    changes.changed = Some(changed);
    changes
}

struct Comparing<'a, 'b, 'c> {
    /// The ways in, by their names.
    schemes: (&'a BTreeMap<String, Json>, &'a BTreeMap<String, Json>),
    before: &'a mut Schemas<'b>,
    after: &'a mut Schemas<'c>,
    operation: String,
    changes: Vec<Change>,
    comparison: Comparison,
}

impl<'b, 'c> Comparing<'_, 'b, 'c> {
    fn say(&mut self, place: &str, what: impl Into<String>, is_breaking: bool) {
        self.changes.push(Change {
            operation: self.operation.clone(),
            place: shortened(place),
            what: shortened(&what.into()),
            is_breaking,
        });
    }

    fn operations(&mut self, old: &Operation<'b>, new: &Operation<'c>) {
        if old.security != new.security {
            // Also where it became easier: who may call an operation is never changed in passing.
            self.say("security", "who may call it changed", true);
        }
        let named: BTreeSet<&String> = old.security.iter().flat_map(BTreeMap::keys).collect();
        for scheme in named {
            let now = self.schemes.1.get(scheme);
            // Another name is told above.
            if now.is_some() && now != self.schemes.0.get(scheme) {
                self.say("security", format!("the scheme `{scheme}` changed"), true);
            }
        }
        if old.is_deprecated != new.is_deprecated {
            let what = if new.is_deprecated {
                "is deprecated now"
            } else {
                "is not deprecated any more"
            };
            self.say("operation", what, false);
        }
        self.parameters(old, new);
        match (&old.body, &new.body) {
            (None, Some(body)) => {
                let what = if body.is_required {
                    "is required now"
                } else {
                    "may be sent now"
                };
                self.say("request body", what, body.is_required);
            }
            (Some(_), None) => self.say("request body", "is not taken any more", true),
            (Some(old), Some(new)) => {
                if !old.is_required && new.is_required {
                    self.say("request body", "is required now", true);
                }
                if old.is_required && !new.is_required {
                    self.say("request body", "is not required any more", false);
                }
                self.content(
                    "request body",
                    &old.content,
                    &new.content,
                    Direction::Request,
                );
            }
            (None, None) => {}
        }
        for (status, old) in &old.responses {
            let place = format!("answer {status}");
            match new.responses.get(status) {
                None => self.say(&place, "is not documented any more", true),
                Some(new) => self.content(&place, &old.content, &new.content, Direction::Answer),
            }
        }
        for status in new
            .responses
            .keys()
            .filter(|s| !old.responses.contains_key(*s))
        {
            self.say(&format!("answer {status}"), "is documented now", false);
        }
    }

    fn parameters(&mut self, old: &Operation<'b>, new: &Operation<'c>) {
        let (old, new) = (keyed(old), keyed(new));
        for (key, old) in &old {
            let place = place(old);
            let Some(new) = new.get(key) else {
                self.say(&place, "is not taken any more", false);
                continue;
            };
            match (old.is_required, new.is_required) {
                (false, true) => self.say(&place, "is required now", true),
                (true, false) => self.say(&place, "is not required any more", false),
                _ => {}
            }
            let written = ["style", "explode", "allowReserved", "allowEmptyValue"];
            for keyword in written {
                if old.object.node.get(keyword) != new.object.node.get(keyword) {
                    self.say(&place, format!("its `{keyword}` changed"), true);
                }
            }
            match (old.schema, new.schema) {
                (Some(old), Some(new)) => self.schemas(&place, old, new, Direction::Request),
                (None, Some(_)) => self.say(&place, "has a schema now", true),
                (Some(_), None) => self.say(&place, "has no schema any more", false),
                (None, None) => {}
            }
        }
        for (_, new) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
            let what = if new.is_required {
                "is new and required"
            } else {
                "is new"
            };
            self.say(&place(new), what, new.is_required);
        }
    }

    fn content(
        &mut self,
        place: &str,
        old: &BTreeMap<String, Media<'b>>,
        new: &BTreeMap<String, Media<'c>>,
        direction: Direction,
    ) {
        let kinds: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for kind in kinds {
            match (old.get(kind), new.get(kind)) {
                (Some(_), None) => self.say(place, format!("{kind} is gone"), true),
                // An answer that was said to have no body has one now; one that may come in a further form is asked for.
                (None, Some(_)) => {
                    let is_breaking = direction == Direction::Answer && old.is_empty();
                    self.say(place, format!("{kind} is new"), is_breaking);
                }
                (Some(old), Some(new)) => match (old.schema, new.schema) {
                    (Some(old), Some(new)) => self.schemas(place, old, new, direction),
                    (None, Some(_)) => {
                        self.say(place, "has a schema now", direction == Direction::Request);
                    }
                    (Some(_), None) => self.say(
                        place,
                        "has no schema any more",
                        direction == Direction::Answer,
                    ),
                    (None, None) => {}
                },
                (None, None) => {}
            }
        }
    }

    fn schemas(
        &mut self,
        place: &str,
        old: super::document::At<'b>,
        new: super::document::At<'c>,
        direction: Direction,
    ) {
        let old = self.before.ready(old, direction);
        let new = self.after.ready(new, direction);
        if old.wrong != new.wrong {
            let why = new.wrong.as_ref().or(old.wrong.as_ref());
            let why = why.map_or("", String::as_str);
            self.say(place, format!("its schema cannot be told: {why}"), true);
        }
        let mut found = Vec::new();
        let sides = (&*self.before, &*self.after);
        self.comparison
            .schemas(sides, (&old.schema, &new.schema), direction, &mut found);
        for (below, what, is_breaking) in found {
            let place = if below.is_empty() {
                place.to_owned()
            } else {
                format!("{place} {below}")
            };
            self.say(&place, what, is_breaking);
        }
    }
}

/// The parameters; those of the path by their position, since their names are nobody's but the document's.
fn keyed<'o, 'd>(operation: &'o Operation<'d>) -> BTreeMap<(Location, String), &'o Parameter<'d>> {
    let positions: Vec<&str> = super::model::placeholders(operation.path).collect();
    let keyed = operation.parameters.iter().map(|p| {
        let position = positions.iter().position(|name| *name == p.name);
        let key = match (p.location, position) {
            (Location::Path, Some(position)) => format!("{{{position}}}"),
            (Location::Header, _) => p.name.to_ascii_lowercase(),
            _ => p.name.to_owned(),
        };
        ((p.location, key), p)
    });
    keyed.collect()
}

fn place(parameter: &Parameter<'_>) -> String {
    format!("{} parameter {}", parameter.location.word(), parameter.name)
}
