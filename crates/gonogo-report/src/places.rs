//! Where the plan writes what a report speaks of, for formats that point into files.

use std::collections::BTreeMap;

use gonogo_core::judge::SUBJECT;
use gonogo_core::plan::{Check, Plan};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Path with `/`, as the repository has it.
    pub(crate) file: String,
    /// From one.
    pub(crate) line: usize,
}

/// Where each check of a plan stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    plan: String,
    of: BTreeMap<String, Line>,
}

impl Places {
    /// The places of a plan that is called so in its repository, such as `ops/plan.yaml`; what it includes lies relative to it.
    pub fn new(plan: &Plan, called: &str) -> Self {
        let called = called.replace('\\', "/");
        let folder = called.rfind('/').map_or("", |at| &called[..=at]);
        let of_check = |check: &Check| {
            let file = &check.place.file;
            let is_included = plan.files.iter().skip(1).any(|f| f.path == *file);
            Line {
                file: if is_included {
                    format!("{folder}{file}")
                } else {
                    called.clone()
                },
                line: check.place.line,
            }
        };
        let mut of = BTreeMap::new();
        if let Some(subject) = &plan.subject {
            of.insert(SUBJECT.to_owned(), of_check(&subject.check));
        }
        for gate in &plan.gates {
            if let Some(first) = gate.checks.first() {
                of.insert(gate.id.clone(), of_check(first));
            }
            for check in &gate.checks {
                of.insert(format!("{}/{}", gate.id, check.id), of_check(check));
            }
        }
        Self { plan: called, of }
    }

    /// Of a plan of which only the name is known.
    #[cfg(test)]
    pub(crate) fn called(plan: &str) -> Self {
        Self {
            plan: plan.to_owned(),
            of: BTreeMap::new(),
        }
    }

    /// Of `gate/check`, else of its gate, else of the plan.
    pub(crate) fn of(&self, check: &str) -> Line {
        let gate = check.split('/').next().unwrap_or(check);
        let found = self.of.get(check).or_else(|| self.of.get(gate));
        found.cloned().unwrap_or_else(|| self.plan())
    }

    /// The plan's beginning.
    pub(crate) fn plan(&self) -> Line {
        Line {
            file: self.plan.clone(),
            line: 1,
        }
    }
}
