//! What people stated, held against what was measured.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::plan::{ApprovalState, FindingSeverity};

/// All statements of a plan; nothing in a document of a plan that makes none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StatementsJudged {
    /// Known limitations in the order of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limitations: Vec<LimitationJudged>,
    /// Known findings in the order of the plan; each is among the run's findings, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<StatedFindingJudged>,
    /// The OWASP Top 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owasp: Option<OwaspJudged>,
    /// Who decides, upon what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_off: Option<SignOffJudged>,
}

impl StatementsJudged {
    /// Whether the plan states nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A known limitation at the instant of decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitationJudged {
    /// Its name.
    pub id: String,
    /// What it is.
    pub text: String,
    /// Who works on it.
    pub owner: Option<String>,
    /// Who accepts it.
    pub accepted_by: Option<String>,
    /// Its last instant.
    pub until: DateTime<Utc>,
    /// Where it is followed up.
    pub ticket: Option<String>,
    /// How it stands.
    pub state: AcceptanceState,
}

/// How something known stands at the instant of decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptanceState {
    /// Somebody accepts it, and its day has not passed.
    Accepted,
    /// Nobody accepts it.
    Open,
    /// Its day has passed.
    Expired,
}

impl AcceptanceState {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Open => "open",
            Self::Expired => "expired",
        }
    }
}

/// A stated finding at the instant of decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatedFindingJudged {
    /// Its name.
    pub id: String,
    /// One line.
    pub title: String,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// Who accepts it.
    pub accepted_by: Option<String>,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// How it stands.
    pub state: AcceptanceState,
}

/// The OWASP Top 10, row by row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OwaspJudged {
    /// The edition.
    pub edition: String,
    /// Where ids and names are from.
    pub source: String,
    /// All ten rows.
    pub rows: Vec<OwaspRow>,
}

/// One category.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OwaspRow {
    /// `A01:2025`
    pub id: String,
    /// Its name.
    pub name: String,
    /// What follows from what shows it.
    pub state: ShownState,
    /// Why, in one line.
    pub why: String,
    /// What shows it, and how that ended.
    pub shown_by: Vec<ShownBy>,
    /// What a person states.
    pub statement: Option<StatementJudged>,
}

/// What follows for something that gates and checks are to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownState {
    /// All of it passed.
    Pass,
    /// All of it passed, some with a warning.
    Warn,
    /// A person states it and names evidence; no check shows it.
    Stated,
    /// What did not pass is waived.
    Waived,
    /// Nothing shows it: not mapped, or not decided.
    NotEvaluated,
    /// Some of it failed.
    Fail,
}

impl ShownState {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Stated => "stated",
            Self::Waived => "waived",
            Self::NotEvaluated => "not evaluated",
            Self::Fail => "fail",
        }
    }
}

/// A gate or check that shows something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownBy {
    /// The gate, or `gate/check`.
    pub name: String,
    /// How it ended, in the word of every output.
    pub outcome: String,
    /// Who waived it and until when.
    pub waived_by: Option<String>,
}

/// A statement by a person.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatementJudged {
    /// What is stated.
    pub text: String,
    /// Who.
    pub person: String,
    /// When.
    pub on: NaiveDate,
    /// The file that shows it, one of the plan's own.
    pub evidence: Option<String>,
    /// Its SHA-256.
    pub evidence_sha256: Option<String>,
}

/// Who decides, upon what, and what they stated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignOffJudged {
    /// The least of what those who decide stated about this subject.
    pub state: ApprovalState,
    /// One sentence.
    pub message: String,
    /// An approval that the verdict contradicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<String>,
    /// Each who decides, in the order of the plan.
    pub approvals: Vec<ApprovalJudged>,
    /// Approvals that do not count, and why.
    pub refused: Vec<String>,
    /// The acceptance criteria.
    pub criteria: Vec<CriterionJudged>,
    /// The environment as its people describe it.
    pub environment: Vec<String>,
    /// The environment as it was observed.
    pub observed: Vec<String>,
}

/// What one of those who decide stated about this subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApprovalJudged {
    /// Who.
    pub person: String,
    /// What; pending where nothing is stated about this subject.
    pub state: ApprovalState,
    /// When.
    pub on: Option<NaiveDate>,
    /// What it depends on.
    pub conditions: Vec<String>,
    /// Anything else.
    pub comment: Option<String>,
}

/// An acceptance criterion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CriterionJudged {
    /// What must be met.
    pub text: String,
    /// What follows from what shows it.
    pub state: ShownState,
    /// Why, in one line.
    pub why: String,
    /// What shows it, and how that ended.
    pub shown_by: Vec<ShownBy>,
}
