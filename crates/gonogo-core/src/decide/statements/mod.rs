//! What people stated, held against what was measured at the instant of decision. Whatever is stated, the verdict is
//! at best what it would have been without.

mod known;
mod owasp;
mod shown;
mod sign_off;

use super::Deciding;
use crate::judged::{GateJudged, StatementsJudged, SubjectJudged};

pub(super) use known::{conditions, ends, findings, rules, tally};
pub(super) use sign_off::contradicted;

/// Judges all statements of the plan.
pub(super) fn judge(
    deciding: &Deciding<'_>,
    subject: &SubjectJudged,
    gates: &[GateJudged],
) -> StatementsJudged {
    let statements = &deciding.plan.statements;
    StatementsJudged {
        limitations: known::limitations(deciding),
        findings: known::stated(deciding),
        owasp: statements
            .owasp
            .as_ref()
            .map(|mapped| owasp::judge(deciding, mapped, gates)),
        sign_off: statements
            .sign_off
            .as_ref()
            .map(|sign_off| sign_off::judge(deciding, sign_off, subject, gates)),
    }
}
