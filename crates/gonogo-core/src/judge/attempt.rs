//! One attempt at a check: what was observed against what was expected.

use super::expectation::{self, Gap};
use super::{Blobs, JudgeError, Known, known, limits, secrets, words};
use crate::expr::{Expr, Scope};
use crate::judged::{Distribution, ExpectationJudged, LimitJudged};
use crate::outcome::Outcome;
use crate::plan::{Check, StatisticsOptions};
use crate::record::{Attempt, Cause, NotObserved, Observation, Observed};
use crate::stats::{LimitJudgement, LimitOutcome, Unit};
use crate::value::{Map, Value};

/// What judging an attempt needs besides the check and what was recorded.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// The check as `gate/check`, for messages.
    pub at: &'a str,
    /// The plan's statistical assumptions.
    pub statistics: &'a StatisticsOptions,
    /// What expressions may speak of besides what was observed.
    pub known: &'a Known,
    /// Where samples come from.
    pub blobs: &'a dyn Blobs,
    /// How often this check took samples of the same subject before; `None` where nobody counted.
    pub earlier_samplings: Option<u32>,
}

/// An attempt, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptJudged {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in one line; for a pass, what was seen.
    pub message: String,
    /// Each expectation, save and implied expectation, in order.
    pub expectations: Vec<ExpectationJudged>,
    /// Each limit, in order.
    pub limits: Vec<LimitJudged>,
    /// The drawn distribution, where it took samples.
    pub distribution: Option<Distribution>,
    /// What later checks may use: present values, secrets masked.
    pub saves: Map,
}

/// Judges one attempt. The same function decides live (retries, `needs`) and in replay.
///
/// # Errors
/// A blob that an outcome rests on is missing or is not what was recorded.
pub fn judge_attempt(
    check: &Check,
    item: Option<&Value>,
    attempt: &Attempt,
    judging: &Judging<'_>,
) -> Result<AttemptJudged, JudgeError> {
    match &attempt.observed {
        Observed::NotObserved(gap) => Ok(not_observed(check, gap)),
        Observed::Observation(seen) => observed(check, item, seen, judging),
    }
}

fn not_observed(check: &Check, gap: &NotObserved) -> AttemptJudged {
    let expectation = |expr: &Expr| ExpectationJudged {
        text: expr.source().to_owned(),
        outcome: Outcome::Error,
        message: "nothing was observed".to_owned(),
    };
    AttemptJudged {
        outcome: Outcome::Error,
        message: not_observed_words(gap),
        expectations: check.expect.iter().map(expectation).collect(),
        limits: check
            .limits
            .iter()
            .map(|l| no_samples(l.text.clone(), l.claim))
            .collect(),
        distribution: None,
        saves: Map::new(),
    }
}

fn not_observed_words(gap: &NotObserved) -> String {
    let kind = words::cause_words(gap.cause);
    let mut message = format!("{}: {kind}", words::shorten(&gap.tried, 120));
    let detail = words::shorten(&gap.message, 240);
    let says_more = gap.cause != Cause::Unknown && !detail.is_empty() && !detail.contains(kind);
    if says_more {
        message.push_str(": ");
        message.push_str(&detail);
    }
    message
}

fn observed(
    check: &Check,
    item: Option<&Value>,
    seen: &Observation,
    judging: &Judging<'_>,
) -> Result<AttemptJudged, JudgeError> {
    let facts = known::facts(seen);
    let scope = judging.known.scope(&facts, item);
    let look = Look {
        check,
        seen,
        scope: &scope,
    };
    let mut expectations: Vec<ExpectationJudged> =
        check.expect.iter().map(|e| look.expectation(e)).collect();
    expectations.extend(check.save.iter().map(|s| look.save(&s.name, &s.from)));
    expectations.extend(look.leaked());
    expectations.extend(look.unspoken_absences());

    let series = limits::series_of(judging.at, seen, judging.blobs)?;
    expectations.extend(
        series
            .as_ref()
            .and_then(|series| limits::stopped_early(check, seen, series)),
    );
    let judged_limits = match &series {
        Some(series) => {
            let assumed = limits::assumptions(check, judging.statistics, judging.earlier_samplings);
            limits::judge(check, series, &assumed)
        }
        None => check
            .limits
            .iter()
            .map(|l| no_samples(l.text.clone(), l.claim))
            .collect(),
    };

    let worst = expectations
        .iter()
        .map(|e| e.outcome)
        .chain(judged_limits.iter().map(|l| l.outcome))
        .max();
    let mut judged = AttemptJudged {
        outcome: worst.unwrap_or(Outcome::Inconclusive),
        message: String::new(),
        expectations,
        limits: judged_limits,
        distribution: series.as_ref().map(limits::distribution),
        saves: super::saves(check, seen, judging.known, item),
    };
    if judged.outcome.is_good() {
        let warnings = look.warnings();
        if !warnings.is_empty() {
            judged.outcome = Outcome::Warn;
            judged.expectations.extend(warnings);
        }
    }
    judged.message = message(&judged, seen);
    Ok(judged)
}

/// The one line about an attempt: its worst findings first; for a pass, what was seen.
fn message(judged: &AttemptJudged, seen: &Observation) -> String {
    let expectations = judged
        .expectations
        .iter()
        .filter(|e| e.outcome == judged.outcome)
        .map(|e| e.message.clone());
    let limits = judged
        .limits
        .iter()
        .filter(|l| l.outcome == judged.outcome)
        .map(|l| format!("{}: {}", l.text, l.judgement.reason));
    let mut told = expectations.chain(limits).filter(|m| !m.is_empty());
    if judged.outcome == Outcome::Pass {
        return if judged.limits.is_empty() {
            words::seen_in_short(seen).unwrap_or_else(|| held(&judged.expectations))
        } else {
            words::limits_in_short(&judged.limits)
        };
    }
    match told.next() {
        None => "the check expects nothing".to_owned(),
        Some(first) => match told.count() {
            0 => first,
            more => format!("{first} (and {more} more)"),
        },
    }
}

fn held(expectations: &[ExpectationJudged]) -> String {
    match expectations {
        [only] => words::shorten(&format!("as expected: {}", only.text), 160),
        all => format!("all {} expectations hold", all.len()),
    }
}

fn no_samples(text: String, claim: crate::stats::Claim) -> LimitJudged {
    LimitJudged {
        text,
        outcome: Outcome::Inconclusive,
        judgement: LimitJudgement {
            claim,
            outcome: LimitOutcome::NotProven,
            reason: "no samples".to_owned(),
            n: 0,
            over: 0,
            failed: 0,
            unit: match claim {
                crate::stats::Claim::Percentile { .. } => Unit::Nanoseconds,
                crate::stats::Claim::ErrorRate { .. } => Unit::Share,
                crate::stats::Claim::Rate { .. } => Unit::PerSecond,
            },
            estimate: None,
            lower: None,
            upper: None,
            exceedance: None,
            confidence_reached: None,
            needs: None,
            deff: 1.0,
            effective_n: 0.0,
            effective_over: 0.0,
            burst_factor: 1,
            assumptions: Vec::new(),
        },
    }
}

/// One observation, about to be held against the check's expressions.
struct Look<'a> {
    check: &'a Check,
    seen: &'a Observation,
    scope: &'a Scope<'a>,
}

impl Look<'_> {
    fn expectation(&self, expr: &Expr) -> ExpectationJudged {
        let (outcome, message) = self.expect_true(expr);
        ExpectationJudged {
            text: expr.source().to_owned(),
            outcome,
            message,
        }
    }

    fn expect_true(&self, expr: &Expr) -> (Outcome, String) {
        if let Some(why) = self.cut(expr) {
            return (Outcome::Error, why);
        }
        let nothing_there = self.absence_behind(expr);
        match (expectation::truth(expr, self.scope), nothing_there) {
            (Ok(true), None) => (Outcome::Pass, String::new()),
            (Err(Gap::Error(why)), _) => (Outcome::Error, told(expr, &why)),
            (_, Some(why)) | (Err(Gap::Empty(why)), None) => (self.absent(), told(expr, &why)),
            (Ok(false), None) => (
                Outcome::Fail,
                told(expr, &expectation::explain(expr, self.scope)),
            ),
            (Err(Gap::Absent(why)), None) => match self.absence_of_missing(expr) {
                Some(absence) => (self.absent(), told(expr, &absence)),
                None => (Outcome::Fail, told(expr, &why)),
            },
            (Err(Gap::Clash(why)), None) => (Outcome::Fail, told(expr, &why)),
        }
    }

    fn save(&self, name: &str, from: &Expr) -> ExpectationJudged {
        let (outcome, message) = if let Some(why) = self.cut(from) {
            (Outcome::Error, why)
        } else {
            let missing = |why: String| match self
                .absence_behind(from)
                .or_else(|| self.absence_of_missing(from))
            {
                Some(absence) => (self.absent(), absence),
                None => (Outcome::Fail, why),
            };
            let (outcome, why) = match expectation::value(from, self.scope) {
                Ok(Value::Null) => (Outcome::Fail, format!("`{}` is null", from.source())),
                Ok(_) => (Outcome::Pass, String::new()),
                Err(Gap::Absent(why)) => missing(why),
                Err(Gap::Clash(why)) => (Outcome::Fail, why),
                Err(Gap::Error(why)) => (Outcome::Error, why),
                Err(Gap::Empty(why)) => (self.absent(), why),
            };
            let message = if why.is_empty() {
                why
            } else {
                format!("nothing to save as `{name}`: {why}")
            };
            (outcome, message)
        };
        ExpectationJudged {
            text: format!("save {name}: {}", from.source()),
            outcome,
            message,
        }
    }

    /// A secret that came back is a failure, unless the check speaks of it itself.
    fn leaked(&self) -> Option<ExpectationJudged> {
        let spoken_of = self
            .check
            .expect
            .iter()
            .any(|e| known::roots(e).iter().any(|r| r == "secrets_seen"));
        let leaked = secrets::leaked(
            self.check,
            self.seen.target.as_ref(),
            &self.seen.secrets_seen,
        );
        if spoken_of || leaked.is_empty() {
            return None;
        }
        Some(ExpectationJudged {
            text: secrets::NO_LEAK.to_owned(),
            outcome: Outcome::Fail,
            message: secrets::sentence(&leaked),
        })
    }

    /// Where the probe found nothing to look at and no expectation speaks of that, nothing was proven.
    fn unspoken_absences(&self) -> Vec<ExpectationJudged> {
        let spoken_of = |fact: &str| {
            let mut all = self.check.expect.iter();
            all.any(|e| expectation::speaks_of_emptiness(e, fact))
        };
        self.seen
            .absent
            .iter()
            .filter(|absence| !spoken_of(&absence.fact))
            .map(|absence| ExpectationJudged {
                text: format!("there is something under `{}`", absence.fact),
                outcome: self.absent(),
                message: format!("nothing to look at: {}", absence.why),
            })
            .collect()
    }

    /// `warn:` expressions that hold. One that has no value cannot tell that all is well, so it warns too.
    fn warnings(&self) -> Vec<ExpectationJudged> {
        let mut out = Vec::new();
        for expr in &self.check.warn {
            let message = match expectation::truth(expr, self.scope) {
                Ok(false) => continue,
                Ok(true) => {
                    let seen = expectation::explain_held(expr, self.scope);
                    format!("warns because `{}`: {seen}", expr.source())
                }
                Err(Gap::Absent(why) | Gap::Clash(why) | Gap::Error(why) | Gap::Empty(why)) => {
                    format!("cannot tell whether `{}`: {why}", expr.source())
                }
            };
            out.push(ExpectationJudged {
                text: expr.source().to_owned(),
                outcome: Outcome::Warn,
                message,
            });
        }
        out
    }

    /// The outcome of absence: a gap, unless the check says that absence is fine.
    fn absent(&self) -> Outcome {
        if self.check.absent_is_warn {
            Outcome::Warn
        } else {
            Outcome::Inconclusive
        }
    }

    /// Why the expression cannot be decided, where it uses a fact of which only the beginning was kept.
    fn cut(&self, expr: &Expr) -> Option<String> {
        let roots = known::roots(expr);
        let cut = self.seen.cut.iter().find(|cut| {
            let root = cut.fact.split(['.', '[']).next().unwrap_or_default();
            roots.iter().any(|r| r == root)
        })?;
        Some(told(expr, &format!("`{}` was cut: {}", cut.fact, cut.why)))
    }

    /// The absence of a fact that the expression uses, unless it speaks of emptiness itself.
    fn absence_behind(&self, expr: &Expr) -> Option<String> {
        let roots = known::roots(expr);
        self.seen
            .absent
            .iter()
            .find(|absence| {
                roots.contains(&absence.fact)
                    && !expectation::speaks_of_emptiness(expr, &absence.fact)
            })
            .map(|absence| format!("nothing to look at: {}", absence.why))
    }

    /// The absence that explains why a fact is not there at all: the value of an empty vector.
    fn absence_of_missing(&self, expr: &Expr) -> Option<String> {
        let missing = |root: &String| self.scope.get(root).is_none();
        if !known::roots(expr).iter().any(missing) {
            return None;
        }
        let absence = self.seen.absent.first()?;
        Some(format!("nothing to look at: {}", absence.why))
    }
}

fn told(expr: &Expr, why: &str) -> String {
    format!("expected `{}`: {why}", words::shorten(expr.source(), 120))
}
