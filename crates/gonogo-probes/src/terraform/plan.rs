//! What a plan does and what a state has: each resource with what becomes of it, each module's variables.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::document::{Change, Document, Module, ModuleConfiguration, Output, ResourceChange};

/// Nobody nests modules deeper.
const DEEPEST: usize = 64;

/// What becomes of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It stays as it is.
    NoOp,
    Create,
    /// A data source is read.
    Read,
    Update,
    /// It is destroyed and made anew, in one order or the other.
    Replace,
    Destroy,
    /// Terraform no longer looks after it; it stays where it is.
    Forget,
    /// A word that is not known here.
    Unknown,
}

impl Action {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NoOp => "no-op",
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Destroy => "destroy",
            Self::Forget => "forget",
            Self::Unknown => "unknown",
        }
    }

    fn of(actions: &[String]) -> Self {
        let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
        match actions[..] {
            ["no-op"] => Self::NoOp,
            ["create"] => Self::Create,
            ["read"] => Self::Read,
            ["update"] => Self::Update,
            ["delete", "create"] | ["create", "delete"] => Self::Replace,
            ["delete"] => Self::Destroy,
            // The second leaves the old object where it is and makes another.
            ["forget"] | ["create", "forget"] => Self::Forget,
            _ => Self::Unknown,
        }
    }
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) address: String,
    pub(super) module: Option<String>,
    pub(super) mode: String,
    pub(super) kind: String,
    /// Nothing of a state.
    pub(super) action: Option<Action>,
    pub(super) reason: Option<String>,
    pub(super) moved_from: Option<String>,
    pub(super) is_imported: bool,
    pub(super) is_tainted: bool,
    /// The attributes that change, by name.
    pub(super) attributes: Vec<String>,
}

/// One variable of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// The calls that lead to its module, such as `module.web`; empty for the root.
    pub(super) module: String,
    pub(super) name: String,
    pub(super) has_default: bool,
    pub(super) is_set: bool,
    pub(super) is_sensitive: bool,
}

/// An output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) is_sensitive: bool,
    /// Nothing of a sensitive one, and of one that is only known once it is applied.
    pub(super) value: Option<Json>,
}

/// A check block, a precondition or a postcondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) address: String,
    pub(super) status: String,
    pub(super) problems: Vec<String>,
}

/// All of it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) is_plan: bool,
    pub(super) resources: Vec<Resource>,
    pub(super) drift: Vec<Resource>,
    /// Nothing of a state.
    pub(super) variables: Option<Vec<Variable>>,
    pub(super) outputs: Vec<Given>,
    pub(super) conditions: Vec<Condition>,
    pub(super) deferred: usize,
    /// Why the document makes no claim on the whole.
    pub(super) doubts: Vec<String>,
}

/// What the document says.
pub(super) fn find(document: &Document) -> Found {
    // A plan always has a configuration, be it an empty one; a state never has.
    let is_plan = document.configuration.is_some()
        || document.planned_values.is_some()
        || document.resource_changes.is_some();
    let mut found = Found {
        is_plan,
        ..Found::default()
    };
    if is_plan {
        of_plan(document, &mut found);
    } else if let Some(module) = document
        .values
        .as_ref()
        .and_then(|v| v.root_module.as_ref())
    {
        of_state(module, 0, &mut found);
    }
    let values = if is_plan {
        &document.planned_values
    } else {
        &document.values
    };
    let outputs = values.iter().flat_map(|v| &v.outputs);
    found.outputs = outputs.map(|(name, output)| given(name, output)).collect();
    found
}

fn of_plan(document: &Document, found: &mut Found) {
    for change in document.resource_changes.iter().flatten() {
        let resource = resource(change);
        if resource.action == Some(Action::Unknown) {
            let words = change.change.actions.join(", ");
            let why = format!(
                "the action `{words}` of `{}` is not known here",
                change.address
            );
            found.doubts.push(why);
        }
        found.resources.push(resource);
    }
    found.drift = document
        .resource_drift
        .iter()
        .flatten()
        .map(resource)
        .collect();
    let root = document
        .configuration
        .as_ref()
        .and_then(|c| c.root_module.as_ref());
    let mut variables = Vec::new();
    if let Some(root) = root {
        let given: Vec<&str> = document
            .variables
            .iter()
            .flatten()
            .map(|(n, _)| n.as_str())
            .collect();
        of_module(root, "", &given, 0, &mut variables, found);
    }
    found.variables = Some(variables);
    found.deferred = document.deferred_changes.as_ref().map_or(0, Vec::len);
    let conditions = document.checks.iter().flatten();
    found.conditions = conditions
        .map(|check| Condition {
            address: check.address.to_display.clone(),
            status: check.status.clone(),
            problems: check
                .instances
                .iter()
                .flat_map(|i| i.problems.iter().filter_map(|p| p.message.clone()))
                .collect(),
        })
        .collect();
    if document.errored == Some(true) {
        found
            .doubts
            .push("planning ended in an error, so the plan is only a part".to_owned());
    }
    if document.complete == Some(false) && document.errored != Some(true) {
        let why = "the plan is not complete: applying it leaves something to be planned again";
        found.doubts.push(why.to_owned());
    }
}

fn resource(change: &ResourceChange) -> Resource {
    let action = Action::of(&change.change.actions);
    let address = match &change.deposed {
        Some(key) => format!("{} (deposed {key})", change.address),
        None => change.address.clone(),
    };
    Resource {
        address,
        module: change.module_address.clone(),
        mode: change.mode.clone(),
        kind: change.kind.clone(),
        action: Some(action),
        reason: change.action_reason.clone(),
        moved_from: change
            .previous_address
            .clone()
            .filter(|from| *from != change.address),
        is_imported: change.change.importing.is_some(),
        is_tainted: false,
        attributes: attributes(&change.change),
    }
}

/// The attributes of an object that are not after as they were before.
fn attributes(change: &Change) -> Vec<String> {
    let (Some(before), Some(after)) = (change.before.as_object(), change.after.as_object()) else {
        return Vec::new();
    };
    let unknown = |name: &str| match change.after_unknown.get(name) {
        None | Some(Json::Bool(false)) => false,
        Some(Json::Object(map)) => !map.is_empty(),
        Some(Json::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    let empty = serde_json::Map::new();
    let unknowns = change.after_unknown.as_object().unwrap_or(&empty).keys();
    let mut names: Vec<&String> = before.keys().chain(after.keys()).chain(unknowns).collect();
    names.sort();
    names.dedup();
    let changed = names.into_iter().filter(|name| {
        let same =
            before.get(*name).unwrap_or(&Json::Null) == after.get(*name).unwrap_or(&Json::Null);
        !same || unknown(name)
    });
    changed.cloned().collect()
}

fn of_module(
    module: &ModuleConfiguration,
    path: &str,
    given: &[&str],
    depth: usize,
    variables: &mut Vec<Variable>,
    found: &mut Found,
) {
    if depth > DEEPEST {
        found
            .doubts
            .push("its modules are nested too deep".to_owned());
        return;
    }
    for (name, variable) in &module.variables {
        variables.push(Variable {
            module: path.to_owned(),
            name: name.clone(),
            has_default: variable.default.is_some(),
            is_set: given.contains(&name.as_str()),
            is_sensitive: variable.sensitive,
        });
    }
    for (name, call) in &module.module_calls {
        let path = match path {
            "" => format!("module.{name}"),
            path => format!("{path}.module.{name}"),
        };
        let given: Vec<&str> = call.expressions.keys().map(String::as_str).collect();
        match &call.module {
            Some(module) => of_module(module, &path, &given, depth + 1, variables, found),
            None => found
                .doubts
                .push(format!("of `{path}` the document has no content")),
        }
    }
}

fn of_state(module: &Module, depth: usize, found: &mut Found) {
    if depth > DEEPEST {
        found
            .doubts
            .push("its modules are nested too deep".to_owned());
        return;
    }
    found
        .resources
        .extend(module.resources.iter().map(|r| Resource {
            address: r.address.clone(),
            module: module_of(&r.address),
            mode: r.mode.clone(),
            kind: r.kind.clone(),
            action: None,
            reason: None,
            moved_from: None,
            is_imported: false,
            is_tainted: r.tainted,
            attributes: Vec::new(),
        }));
    for child in &module.child_modules {
        of_state(child, depth + 1, found);
    }
}

/// `module.web["a.b"].module.db.kind.name` → `module.web["a.b"].module.db`.
fn module_of(address: &str) -> Option<String> {
    let mut end = 0;
    while let Some(rest) =
        address[end..].strip_prefix(if end == 0 { "module." } else { ".module." })
    {
        let mut is_quoted = false;
        let mut escaped = false;
        let stop = rest.find(|c: char| {
            let quote = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_quoted ^= quote;
            c == '.' && !is_quoted
        })?;
        end = address.len() - rest.len() + stop;
    }
    (end > 0).then(|| address[..end].to_owned())
}

fn given(name: &str, output: &Output) -> Given {
    // Only what says that it may be seen is.
    let is_sensitive = output.sensitive != Some(false);
    Given {
        name: name.to_owned(),
        is_sensitive,
        value: output.value.clone().filter(|_| !is_sensitive),
    }
}

/// The addresses that a plan destroys, also to make them anew.
pub(super) fn destroyed(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    resources
        .iter()
        .filter(|r| matches!(r.action, Some(Action::Destroy | Action::Replace)))
}

/// How many resources of each action, for a table.
pub(super) fn by_action(resources: &[Resource]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for resource in resources {
        *counts
            .entry(resource.action.map_or("there", Action::name))
            .or_insert(0) += 1;
    }
    counts
}
