//! What a plan may write of statements, as types.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::owasp::{OWASP_EDITION, OWASP_TOP_10};
use super::{ApprovalState, FindingSeverity};
use crate::plan::raw::OneOrMany;

/// Something that the release does not do, known and carried into the decision: a condition of a GO while somebody
/// accepts it, a HOLD without that or after its day.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::plan) struct RawLimitation {
    /// What it is.
    #[schemars(length(min = 1))]
    pub(super) text: String,
    /// Who works on it.
    pub(super) owner: Option<String>,
    /// Who accepts it; nobody has yet, where this is left out.
    #[schemars(length(min = 1))]
    pub(super) accepted_by: Option<String>,
    /// The last day on which it is accepted; then it is reviewed, or gone.
    #[schemars(extend("format" = "date"))]
    pub(super) until: String,
    /// Where it is followed up.
    pub(super) ticket: Option<String>,
}

/// What its author says of the finding that a check or gate makes when it does not pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(in crate::plan) struct RawFinding {
    /// How bad it is. It is shown; what it does to the verdict is the gate's `severity`.
    pub(super) severity: Option<FindingSeverity>,
    /// What it does to users and operations.
    pub(super) impact: Option<String>,
    /// Why it is so.
    pub(super) root_cause: Option<String>,
    /// What to do.
    pub(super) recommendation: Option<String>,
    /// How to live with it until then.
    pub(super) workaround: Option<String>,
    /// Who acts, where that is not the gate's owner.
    pub(super) owner: Option<String>,
}

/// A finding that a person states, since no check of the plan makes it. It is open while it stands here: `critical` is
/// NO-GO, `high` is HOLD unless somebody accepts it, `medium` and `low` are conditions of a GO.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::plan) struct RawStatedFinding {
    /// One line.
    #[schemars(length(min = 1))]
    pub(super) title: String,
    /// How bad it is.
    pub(super) severity: FindingSeverity,
    /// What it does to users and operations.
    pub(super) impact: Option<String>,
    /// Why it is so.
    pub(super) root_cause: Option<String>,
    /// What to do.
    pub(super) recommendation: Option<String>,
    /// How to live with it until then.
    pub(super) workaround: Option<String>,
    /// Who acts.
    pub(super) owner: Option<String>,
    /// Who accepts it; wants `until`. One that is `critical` nobody can.
    #[schemars(length(min = 1))]
    pub(super) accepted_by: Option<String>,
    /// The last day on which it is accepted.
    #[schemars(extend("format" = "date"))]
    pub(super) until: Option<String>,
}

/// The categories of the OWASP Top 10:2025, each with what shows that it was looked at. The state of a row follows from
/// how that ended; what is not mapped is not evaluated.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::plan) struct RawOwasp(pub(super) BTreeMap<String, RawOwaspRow>);

impl JsonSchema for RawOwasp {
    fn schema_name() -> Cow<'static, str> {
        "Owasp".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let row = generator.subschema_for::<RawOwaspRow>();
        let rows = OWASP_TOP_10.map(|(id, name)| {
            let mut row = row.clone();
            let about = format!("{name} ({OWASP_EDITION}).");
            row.insert("description".to_owned(), about.into());
            (id.to_owned(), row.to_value())
        });
        let rows: serde_json::Map<String, serde_json::Value> = rows.into_iter().collect();
        json_schema!({
            "type": "object",
            "properties": rows,
            "additionalProperties": false,
            "minProperties": 1,
        })
    }
}

/// Gates and checks, or those and a statement.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawOwaspRow {
    /// Gates, or checks as `gate/check`.
    Shown(OneOrMany),
    /// With a statement by a person.
    Stated(RawOwaspStated),
}

/// What shows that a category was looked at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(super) struct RawOwaspStated {
    /// Gates, or checks as `gate/check`.
    #[serde(default)]
    pub(super) shown_by: OneOrMany,
    /// What a person states, where no check can show it. Never a pass.
    #[schemars(length(min = 1))]
    pub(super) statement: Option<String>,
    /// Who states it.
    #[schemars(length(min = 1))]
    pub(super) person: Option<String>,
    /// The day on which it was stated.
    #[schemars(extend("format" = "date"))]
    pub(super) on: Option<String>,
    /// The file beside the plan that shows it; without one the row is not evaluated.
    pub(super) evidence: Option<String>,
}

/// Who decides, upon which criteria, in what environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::plan) struct RawSignOff {
    /// Those whose approval it takes, by name.
    pub(super) decides: OneOrMany,
    /// The acceptance criteria; whether each is met follows from its gates.
    #[schemars(extend("minItems" = 1))]
    pub(super) criteria: Vec<RawCriterion>,
    /// The environment as its people describe it; what was observed of it stands beside.
    #[serde(default)]
    pub(super) environment: OneOrMany,
    /// The file beside the plan in which those who decide state their approval, so that a repository's code owners can
    /// guard it. Without one all of them are pending.
    pub(super) approvals: Option<String>,
}

/// Something that must be met.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCriterion {
    /// What must be met.
    #[schemars(length(min = 1))]
    pub(super) text: String,
    /// The gates, or checks as `gate/check`, that show it.
    pub(super) shown_by: OneOrMany,
}

/// The approvals file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::plan) struct RawApprovals {
    /// What those who decide have stated. It cannot lift a verdict.
    pub(super) approvals: Vec<RawApproval>,
}

/// What somebody decided about a subject.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawApproval {
    /// Who: one of those who decide.
    #[schemars(length(min = 1))]
    pub(super) person: String,
    /// What was decided.
    pub(super) state: ApprovalState,
    /// The day on which it was decided.
    #[schemars(extend("format" = "date"))]
    pub(super) on: String,
    /// What it is about: the identity of the subject, as the report shows it. For any other subject it does not count.
    #[schemars(length(min = 1))]
    pub(super) subject: String,
    /// The only environment that it is for; any, where left out.
    pub(super) environment: Option<String>,
    /// What it depends on, where it is `conditional`.
    #[serde(default)]
    pub(super) conditions: OneOrMany,
    /// Anything else.
    pub(super) comment: Option<String>,
}
