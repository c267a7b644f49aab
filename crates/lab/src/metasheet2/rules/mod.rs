//! Protection rules: what they say (pure) and, in `http`, how they are asked for and changed.

mod http;

use serde_json::{Map, Value, json};

use super::{Fault, Faults};
use crate::answer::Problem;

pub(crate) use http::{routes, rules_of, workspace};

/// What a rule does with an operation that it matches; ordered from the mildest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    Allow,
    ElevateRisk,
    RequireApproval,
    Block,
}

impl Effect {
    pub(crate) const NAMES: &'static str = "allow, block, elevate_risk, require_approval";

    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "allow" => Some(Self::Allow),
            "block" => Some(Self::Block),
            "elevate_risk" => Some(Self::ElevateRisk),
            "require_approval" => Some(Self::RequireApproval),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::ElevateRisk => "elevate_risk",
            Self::RequireApproval => "require_approval",
        }
    }

    /// The fault that takes this effect's consequence away.
    fn unenforced_by(self) -> Fault {
        match self {
            Self::Allow => Fault::EffectAllowRefused,
            Self::Block => Fault::EffectBlockNotEnforced,
            Self::ElevateRisk => Fault::EffectElevateIgnored,
            Self::RequireApproval => Fault::EffectApprovalNotEnforced,
        }
    }
}

/// The keys that conditions may have.
const CONDITIONS: [&str; 5] = [
    "operation",
    "resource_type",
    "tag",
    "protection_level",
    "release_channel",
];

/// What must hold for a rule to match: each key with the values of which one must be there. Kept as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conditions(Map<String, Value>);

impl Conditions {
    /// Those of a rule that names none.
    pub(crate) fn of_delete() -> Self {
        let mut map = Map::new();
        map.insert("operation".into(), json!("delete"));
        Self(map)
    }

    /// Checks what a caller wrote.
    pub(crate) fn parse(value: &Value) -> Result<Self, Problem> {
        let Value::Object(map) = value else {
            return Err(Problem::field("conditions", "conditions must be an object"));
        };
        for (key, wanted) in map {
            if !CONDITIONS.contains(&key.as_str()) {
                let message = format!(
                    "there is no condition {key}; there are {}",
                    CONDITIONS.join(", ")
                );
                return Err(Problem::field(&format!("conditions.{key}"), message));
            }
            let fine = match wanted {
                Value::String(text) => !text.is_empty(),
                Value::Array(list) => !list.is_empty() && list.iter().all(Value::is_string),
                _ => false,
            };
            if !fine {
                let message = format!("{key} must be a text or a list of texts");
                return Err(Problem::field(&format!("conditions.{key}"), message));
            }
        }
        Ok(Self(map.clone()))
    }

    /// Reads what the database holds. What no caller could have written matches nothing (`None`).
    fn stored(text: &str) -> Option<Self> {
        serde_json::from_str(text)
            .ok()
            .and_then(|value| Self::parse(&value).ok())
    }

    pub(crate) fn json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    pub(crate) fn matches(&self, question: &Question) -> bool {
        self.0.iter().all(|(key, wanted)| {
            let has = |value: &str| match key.as_str() {
                "operation" => question.operation == value,
                "resource_type" => question.resource_type.as_deref() == Some(value),
                "tag" => question.tags.iter().any(|tag| tag == value),
                "protection_level" => question.protection_level.as_deref() == Some(value),
                "release_channel" => question.release_channel.as_deref() == Some(value),
                _ => false,
            };
            match wanted {
                Value::String(value) => has(value),
                Value::Array(list) => list.iter().filter_map(Value::as_str).any(has),
                _ => false,
            }
        })
    }
}

/// A rule as it stands in the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) workspace_id: String,
    pub(crate) name: String,
    pub(crate) effect: Effect,
    pub(crate) conditions: Option<Conditions>,
    pub(crate) priority: i64,
    pub(crate) enabled: bool,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

impl Rule {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "workspace_id": self.workspace_id,
            "name": self.name,
            "effect": self.effect.name(),
            "conditions": self.conditions.as_ref().map(Conditions::json),
            "priority": self.priority,
            "enabled": self.enabled,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

/// What somebody wants to do, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Question {
    pub(crate) operation: String,
    pub(crate) resource_type: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) protection_level: Option<String>,
    pub(crate) release_channel: Option<String>,
}

/// What the rules answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Evaluation {
    pub(crate) allowed: bool,
    pub(crate) high_risk: bool,
    pub(crate) approval_required: bool,
    pub(crate) matched: Option<Rule>,
    pub(crate) asked: usize,
}

impl Evaluation {
    pub(crate) fn effect(&self) -> Option<Effect> {
        self.matched.as_ref().map(|rule| rule.effect)
    }

    pub(crate) fn risk(&self) -> &'static str {
        if self.high_risk { "high" } else { "normal" }
    }

    pub(crate) fn json(&self, dry_run: bool) -> Value {
        json!({
            "allowed": self.allowed,
            "effect": self.effect().map(Effect::name),
            "risk": self.risk(),
            "approval_required": self.approval_required,
            "matched_rule": self.matched.as_ref().map(|rule| json!({
                "id": rule.id, "name": rule.name, "effect": rule.effect.name(), "priority": rule.priority,
            })),
            "evaluated_rules": self.asked,
            "dry_run": dry_run,
        })
    }
}

/// Asks the enabled rules: of those that match the highest priority wins, on a tie the stricter effect, then the first name.
pub(crate) fn evaluate(rules: Vec<Rule>, question: &Question, faults: &Faults) -> Evaluation {
    let enabled: Vec<Rule> = rules.into_iter().filter(|rule| rule.enabled).collect();
    let asked = enabled.len();
    let matched = enabled
        .into_iter()
        .filter(|rule| {
            rule.conditions
                .as_ref()
                .is_some_and(|conditions| conditions.matches(question))
        })
        .max_by(|a, b| {
            (a.priority, a.effect)
                .cmp(&(b.priority, b.effect))
                .then_with(|| b.name.cmp(&a.name))
        });
    let effect = matched.as_ref().map(|rule| rule.effect);
    let enforced = effect.is_some_and(|effect| !faults.contains(&effect.unenforced_by()));
    let refused_allow = effect == Some(Effect::Allow) && !enforced;
    Evaluation {
        allowed: !(refused_allow
            || (enforced && matches!(effect, Some(Effect::Block | Effect::RequireApproval)))),
        high_risk: enforced && effect == Some(Effect::ElevateRisk),
        approval_required: enforced && effect == Some(Effect::RequireApproval),
        matched,
        asked,
    }
}

#[cfg(test)]
mod tests;
