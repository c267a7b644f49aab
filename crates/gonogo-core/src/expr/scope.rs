//! What the names in an expression stand for while it is evaluated.

use super::types::TypeEnv;
use crate::value::{Map, Value};

/// The values behind names. Borrowed: a scope is made per observation and costs next to nothing.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    layers: Vec<&'a Map>,
    names: Vec<(&'a str, &'a Value)>,
    types: Option<&'a TypeEnv>,
    given: Vec<&'a str>,
    ignoring_case: Vec<&'a str>,
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            names: Vec::new(),
            types: None,
            given: vec!["inputs", "env"],
            ignoring_case: vec!["headers"],
        }
    }
}

impl<'a> Scope<'a> {
    /// No names. `inputs` and `env` count as given, and the keys of `headers` ignore case.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds every key of a map as a name. What was added first wins.
    #[must_use]
    pub fn with(mut self, names: &'a Map) -> Self {
        self.layers.push(names);
        self
    }

    /// Adds one name. It wins over maps.
    #[must_use]
    pub fn with_name(mut self, name: &'a str, value: &'a Value) -> Self {
        self.names.push((name, value));
        self
    }

    /// Says what was promised about the names, so that a wrong type can be laid at the right door: where the
    /// shape fixes the type of both sides, the plan is wrong (`Error`); where it leaves it open, what came back
    /// is (`TypeClash`). Without types, everything that is not given counts as open.
    #[must_use]
    pub fn with_types(mut self, types: &'a TypeEnv) -> Self {
        self.types = Some(types);
        self
    }

    /// Replaces the names that come from the plan or the command line: never to blame on what was observed.
    #[must_use]
    pub fn with_given(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.given = names.into_iter().collect();
        self
    }

    /// Replaces the maps whose keys ignore case, as names with dots (`headers`, `redirects.headers`; indexes are
    /// left out). Their keys must be stored in lower case.
    #[must_use]
    pub fn ignoring_case(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.ignoring_case = paths.into_iter().collect();
        self
    }

    /// The value behind a name.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        let single = self.names.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        single.or_else(|| self.layers.iter().find_map(|map| map.get(name)))
    }

    pub(super) fn types(&self) -> Option<&'a TypeEnv> {
        self.types
    }

    pub(super) fn is_given(&self, name: &str) -> bool {
        self.given.contains(&name)
    }

    /// Whether some map whose keys ignore case has this last name: a cheap first question.
    pub(super) fn may_ignore_case(&self, last: &str) -> bool {
        self.ignoring_case
            .iter()
            .any(|path| path.rsplit('.').next() == Some(last))
    }

    pub(super) fn ignores_case(&self, names: &str) -> bool {
        self.ignoring_case.contains(&names)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let single = self.names.iter().map(|(n, _)| *n);
        single.chain(
            self.layers
                .iter()
                .flat_map(|map| map.keys().map(String::as_str)),
        )
    }
}
