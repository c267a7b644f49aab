//! Waivers: a named person accepts one failure exactly as it was seen. Expired or not matching is as if not there,
//! and is said.

use chrono::{DateTime, Utc};

use super::Deciding;
use crate::judge::expectation::{self, Gap};
use crate::judge::{Known, SUBJECT, leaked};
use crate::judged::{CheckJudged, GateJudged};
use crate::outcome::Outcome;
use crate::plan::{Check, Waiver};
use crate::value::{Map, Value};

/// A failure that was observed may be waived for so many days at most.
const DAYS_FOR_A_FAILURE: i64 = 30;
/// Missing evidence may be waived for so many days at most.
const DAYS_FOR_A_GAP: i64 = 7;

/// A waiver that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverUsed {
    /// The gate, or `gate/check`.
    pub subject: String,
    /// Who.
    pub person: String,
    /// Why.
    pub reason: String,
    /// The ticket.
    pub ticket: Option<String>,
    /// Its last instant.
    pub until: DateTime<Utc>,
    /// When it was given, where that is known.
    pub given: Option<DateTime<Utc>>,
}

impl WaiverUsed {
    /// `Jane Doe until 2026-12-01`
    pub fn by(&self) -> String {
        format!("{} until {}", self.person, self.until.format("%Y-%m-%d"))
    }
}

/// Which waivers count, and which do not and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Those that count.
    pub used: Vec<WaiverUsed>,
    /// Those that speak of something not good and do not count, with the reason.
    pub refused: Vec<String>,
}

impl Standing {
    pub(super) fn add(&mut self, other: Self) {
        self.used.extend(other.used);
        self.refused.extend(other.refused);
    }

    /// Waivers of what the plan does not have, or of what can never be waived.
    pub(super) fn unknown_subjects(&mut self, deciding: &Deciding<'_>) {
        for waiver in deciding.waivers {
            let (gate, check) = parts(waiver);
            let planned = deciding.plan.gates.iter().find(|g| g.id == gate);
            let why = match planned {
                _ if gate == SUBJECT => "the subject can never be waived",
                None => "the plan has no such gate",
                Some(g) if check.is_some_and(|c| g.checks.iter().all(|p| p.id != c)) => {
                    "the gate has no such check"
                }
                Some(_) => continue,
            };
            self.refused.push(refused(waiver, why));
        }
    }
}

/// Applies the waivers to one gate: marks it and its checks, and says which of them count. The engine asks this when
/// a gate closes, since a waived gate satisfies `needs`.
pub fn waive_gate(deciding: &Deciding<'_>, gate: &mut GateJudged, known: &Known) -> Standing {
    let mut standing = Standing::default();
    let Some(planned) = deciding.plan.gates.iter().find(|g| g.id == gate.id) else {
        return standing;
    };
    if gate.outcome.in_scope().is_none_or(Outcome::is_good) {
        return standing;
    }
    for waiver in deciding.waivers {
        let (of, check) = parts(waiver);
        if of != gate.id {
            continue;
        }
        let failing: Vec<usize> = (0..gate.checks.len())
            .filter(|i| !gate.checks[*i].outcome.is_good())
            .filter(|i| check.is_none_or(|c| gate.checks[*i].id == c))
            .collect();
        if failing.is_empty() {
            continue;
        }
        let seen: Vec<(&Check, &CheckJudged)> = failing
            .iter()
            .filter_map(|i| {
                let judged = &gate.checks[*i];
                let check = planned.checks.iter().find(|c| c.id == judged.id)?;
                Some((check, judged))
            })
            .collect();
        if let Err(why) = counts(waiver, &seen, known, deciding.as_of) {
            standing.refused.push(refused(waiver, &why));
            continue;
        }
        let used = used(waiver);
        for i in failing {
            gate.checks[i].waived_by.get_or_insert_with(|| used.by());
        }
        standing.used.push(used);
    }
    let open = |c: &&CheckJudged| !c.outcome.is_good() && c.waived_by.is_none();
    if gate.checks.iter().find(open).is_none() && !standing.used.is_empty() {
        let mut people: Vec<String> = standing.used.iter().map(WaiverUsed::by).collect();
        people.dedup();
        gate.waived_by = Some(people.join(", "));
    }
    standing
}

/// Whether a waiver counts for these failing checks, or why not.
fn counts(
    waiver: &Waiver,
    failing: &[(&Check, &CheckJudged)],
    known: &Known,
    as_of: DateTime<Utc>,
) -> Result<(), String> {
    if waiver.person.trim().is_empty() || waiver.reason.trim().is_empty() {
        return Err("it names no person or no reason".to_owned());
    }
    if waiver.until < as_of {
        return Err(format!("it ended on {}", waiver.until.format("%Y-%m-%d")));
    }
    let given = waiver.given.unwrap_or(as_of);
    if given > as_of {
        return Err("it is dated after the instant of decision".to_owned());
    }
    if let Some((_, check)) = failing.iter().find(|(check, judged)| leaks(check, judged)) {
        return Err(format!(
            "a leaked secret can never be waived ({})",
            check.id
        ));
    }
    let gap = failing
        .iter()
        .any(|(_, judged)| !judged.outcome.is_evaluated());
    let (most, what) = if gap {
        (DAYS_FOR_A_GAP, "missing evidence")
    } else {
        (DAYS_FOR_A_FAILURE, "a failure")
    };
    // Days of the calendar: the end is the end of its day.
    let days = (waiver.until.date_naive() - given.date_naive()).num_days();
    if days > most {
        return Err(format!(
            "it runs for {days} days; {what} may be waived for {most} at most"
        ));
    }
    if waiver.accepts.is_constant() {
        return Err(format!(
            "`accepts: {}` pins nothing of what was seen",
            waiver.accepts.source()
        ));
    }
    accepts(waiver, failing, known)
}

/// Whether the failure is the one that was accepted: facts are bare where one check failed, `checks` lists those that
/// did, `outcome` and `message` are of the worst.
fn accepts(
    waiver: &Waiver,
    failing: &[(&Check, &CheckJudged)],
    known: &Known,
) -> Result<(), String> {
    let worst = failing
        .iter()
        .map(|(_, judged)| *judged)
        .max_by_key(|c| c.outcome);
    let list = failing.iter().map(|(_, judged)| {
        Value::Map(Map::from([
            ("id".to_owned(), judged.id.as_str().into()),
            ("outcome".to_owned(), judged.outcome.word().into()),
            ("message".to_owned(), judged.message.as_str().into()),
        ]))
    });
    let mut about = Map::from([("checks".to_owned(), Value::List(list.collect()))]);
    if let Some(worst) = worst {
        about.insert("outcome".to_owned(), worst.outcome.word().into());
        about.insert("message".to_owned(), worst.message.as_str().into());
    }
    let empty = Map::new();
    let facts = match failing {
        [(_, only)] => only.evidence.as_ref().map_or(&empty, |e| &e.facts),
        _ => &empty,
    };
    let scope = known.scope(facts, None).with(&about);
    match expectation::truth(&waiver.accepts, &scope) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "the failure is not the one it accepts: {}",
            expectation::explain(&waiver.accepts, &scope)
        )),
        Err(Gap::Absent(why) | Gap::Clash(why) | Gap::Empty(why) | Gap::Error(why)) => Err(
            format!("whether the failure is the one it accepts cannot be told: {why}"),
        ),
    }
}

/// Whether a failing check met a secret where none should be.
fn leaks(check: &Check, judged: &CheckJudged) -> bool {
    let found_by_scan = check.probe == "secrets" && judged.outcome == Outcome::Fail;
    let came_back = judged
        .evidence
        .as_ref()
        .is_some_and(|e| !leaked(check, e.target.as_ref(), &e.secrets_seen).is_empty());
    found_by_scan || came_back
}

fn parts(waiver: &Waiver) -> (&str, Option<&str>) {
    match waiver.subject.split_once('/') {
        Some((gate, check)) => (gate, Some(check)),
        None => (&waiver.subject, None),
    }
}

fn used(waiver: &Waiver) -> WaiverUsed {
    WaiverUsed {
        subject: waiver.subject.clone(),
        person: waiver.person.clone(),
        reason: waiver.reason.clone(),
        ticket: waiver.ticket.clone(),
        until: waiver.until,
        given: waiver.given,
    }
}

fn refused(waiver: &Waiver, why: &str) -> String {
    format!(
        "the waiver of `{}` by {} does not count: {why}",
        waiver.subject, waiver.person
    )
}
