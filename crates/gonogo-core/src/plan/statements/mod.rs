//! What people state beside what is measured: known limitations, known findings, the OWASP Top 10 table, the sign-off.
//! A statement can lower a verdict and never lift one.

mod approvals;
mod build;
mod owasp;
mod raw;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use build::{Written, build};
pub use owasp::{OWASP_EDITION, OWASP_SOURCE, OWASP_TOP_10};
pub(super) use raw::{
    RawApprovals, RawFinding, RawLimitation, RawOwasp, RawSignOff, RawStatedFinding,
};

/// All statements of a plan.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    /// Known limitations in the order of the plan.
    pub limitations: Vec<Limitation>,
    /// Known findings in the order of the plan.
    pub findings: Vec<StatedFinding>,
    /// The rows of the OWASP table that the plan maps, where it has one.
    pub owasp: Option<Vec<OwaspMapping>>,
    /// Who decides, upon what, where the plan says so.
    pub sign_off: Option<SignOff>,
}

/// Something that the release does not do, known and carried into the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limitation {
    /// Its key in the plan.
    pub id: String,
    /// What it is.
    pub text: String,
    /// Who works on it.
    pub owner: Option<String>,
    /// Who accepts it; nobody has yet where absent.
    pub accepted_by: Option<String>,
    /// Its last instant: then it is reviewed, or gone.
    pub until: DateTime<Utc>,
    /// Where it is followed up.
    pub ticket: Option<String>,
}

/// How bad a finding is, in its author's words.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingSeverity {
    /// The release must not go out with it.
    Critical,
    /// It takes somebody who accepts it.
    High,
    /// To be known when deciding.
    Medium,
    /// To be known.
    Low,
}

impl FindingSeverity {
    /// All of them, worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// What an author says of a finding: of one that a check makes when it does not pass, or of one known already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FindingText {
    /// How bad it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<FindingSeverity>,
    /// What it does to users and operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
    /// Why it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommendation: Option<String>,
    /// How to live with it until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workaround: Option<String>,
    /// Who acts; the finding itself names the owner that counts.
    #[serde(skip)]
    pub owner: Option<String>,
}

/// A finding that a person states, since no check of the plan makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedFinding {
    /// Its key in the plan.
    pub id: String,
    /// One line.
    pub title: String,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// The rest.
    pub text: FindingText,
    /// Who accepts it and until which instant.
    pub accepted: Option<(String, DateTime<Utc>)>,
}

/// What shows that a category of the OWASP Top 10 was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwaspMapping {
    /// `A01:2025`.
    pub id: String,
    /// Gates, or checks as `gate/check`.
    pub shown_by: Vec<String>,
    /// What a person states.
    pub statement: Option<Statement>,
}

/// A statement by a person, with the evidence for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What is stated.
    pub text: String,
    /// Who.
    pub person: String,
    /// When.
    pub on: NaiveDate,
    /// A file of the plan, not empty; without one the statement shows nothing.
    pub evidence: Option<String>,
}

/// Who decides, upon which criteria, in what environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOff {
    /// Those whose approval it takes.
    pub decides: Vec<String>,
    /// What must be met.
    pub criteria: Vec<Criterion>,
    /// The environment as its people describe it.
    pub environment: Vec<String>,
    /// What those who decide have stated.
    pub approvals: Vec<Approval>,
}

/// Something that must be met, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criterion {
    /// What.
    pub text: String,
    /// Gates, or checks as `gate/check`.
    pub shown_by: Vec<String>,
}

/// What somebody decided about a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub person: String,
    /// What.
    pub state: ApprovalState,
    /// When.
    pub on: NaiveDate,
    /// What it is about, as the deployment names it.
    pub subject: String,
    /// The only environment that it is for.
    pub environment: Option<String>,
    /// What it depends on, where it is conditional.
    pub conditions: Vec<String>,
    /// Anything else.
    pub comment: Option<String>,
}

/// A decision, worst first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It must not go out.
    Rejected,
    /// Not decided yet.
    Pending,
    /// It may go out once its conditions are met.
    Conditional,
    /// It may go out.
    Approved,
}

impl ApprovalState {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Pending => "pending",
            Self::Conditional => "conditional",
            Self::Approved => "approved",
        }
    }
}
