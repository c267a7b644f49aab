//! One check, from its options to its recorded attempts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use gonogo_core::expr::{self, DEFAULT_BUDGET};
use gonogo_core::judge;
use gonogo_core::plan::{Check, FillError, ForEach};
use gonogo_core::record::{
    Address, Attempt, Cause, Event, NotObserved, Observation, Observed, Power, SkipReason,
};
use gonogo_core::value::Value;
use gonogo_probes::ctx::{Ctx, GateScope};
use gonogo_probes::probe::{Call, Seen};

use super::EngineError;
use super::desk::Desk;
use super::progress::Told;

/// How a check ended, as far as the engine must know.
pub(super) struct CheckEnd {
    pub(super) gate: usize,
    pub(super) check: usize,
    pub(super) result: Result<(), EngineError>,
}

/// Runs one check to its end: all items, all attempts.
pub(super) async fn run_check(
    desk: Arc<Desk>,
    gate: usize,
    check: usize,
    scope: Arc<GateScope>,
) -> CheckEnd {
    let mut result = Run::new(&desk, gate, check, &scope).whole().await;
    if result.is_ok() {
        result = desk.tell_end(gate, check);
    }
    CheckEnd {
        gate,
        check,
        result,
    }
}

/// Runs a check that stands outside the gates: the subject's.
pub(super) async fn run_subject(
    desk: &Arc<Desk>,
    check: &Check,
    id: &'static str,
) -> Result<(), EngineError> {
    let scope = GateScope::new(false);
    let run = Run {
        desk,
        gate_id: "subject",
        check_id: id,
        check,
        scope: &scope,
    };
    run.items(vec![None]).await
}

struct Run<'a> {
    desk: &'a Arc<Desk>,
    gate_id: &'a str,
    check_id: &'a str,
    check: &'a Check,
    scope: &'a GateScope,
}

impl<'a> Run<'a> {
    fn new(desk: &'a Arc<Desk>, gate: usize, check: usize, scope: &'a GateScope) -> Self {
        let gate = &desk.setup.plan.gates[gate];
        let check = &gate.checks[check];
        Self {
            desk,
            gate_id: &gate.id,
            check_id: &check.id,
            check,
            scope,
        }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.gate_id, self.check_id)
    }

    async fn whole(&self) -> Result<(), EngineError> {
        if self.desk.is_skipped(self.gate_id, self.check_id) {
            return Ok(());
        }
        if let Some(reason) = self.not_wanted() {
            return self.skip(reason);
        }
        match &self.check.for_each {
            None => self.items(vec![None]).await,
            Some(for_each) => match self.expand(for_each) {
                Ok(items) => {
                    if self.desk.expanded(self.gate_id, self.check_id).is_none() {
                        self.desk.record(Event::Expanded {
                            gate: self.gate_id.to_owned(),
                            check: self.check_id.to_owned(),
                            items: items.clone(),
                        })?;
                    }
                    self.items(items.into_iter().map(Some).collect()).await
                }
                Err(reason) => self.skip(reason),
            },
        }
    }

    /// `when` is asked of what was saved before the check.
    fn not_wanted(&self) -> Option<SkipReason> {
        let when = self.check.when.as_ref()?;
        let known = self.desk.known();
        let nothing = gonogo_core::Map::new();
        if expr::evaluate_condition(when, &known.scope(&nothing, None), DEFAULT_BUDGET).is_true() {
            return None;
        }
        Some(SkipReason::When {
            expression: when.source().to_owned(),
        })
    }

    fn expand(&self, for_each: &ForEach) -> Result<Vec<Value>, SkipReason> {
        if let Some(items) = self.desk.expanded(self.gate_id, self.check_id) {
            return Ok(items);
        }
        let missing = |name: &str, why: String| SkipReason::Missing {
            name: name.to_owned(),
            why,
        };
        match for_each {
            ForEach::List(items) => {
                let names = self.desk.names();
                let filler = &self.desk.setup.filler;
                items
                    .iter()
                    .map(|item| {
                        let filled = filler.item(item, &names.scope(None));
                        filled
                            .map(|json| Value::from_json(&json))
                            .map_err(|e| missing("for_each", e.to_string()))
                    })
                    .collect()
            }
            ForEach::Expr(expr) => {
                let known = self.desk.known();
                let nothing = gonogo_core::Map::new();
                match expr::evaluate(expr, &known.scope(&nothing, None), DEFAULT_BUDGET) {
                    expr::Evaluated::Value(Value::List(items)) => Ok(items),
                    expr::Evaluated::Value(other) => Err(missing(
                        expr.source(),
                        format!("it is a {}, not a list", other.type_name()),
                    )),
                    other => Err(missing(
                        expr.source(),
                        other.message().unwrap_or("").to_owned(),
                    )),
                }
            }
        }
    }

    async fn items(&self, items: Vec<Option<Value>>) -> Result<(), EngineError> {
        let mut ask = None;
        for (index, item) in items.into_iter().enumerate() {
            let number = item.as_ref().map(|_| index as u32);
            if self.desk.is_settled(self.gate_id, self.check_id, number) {
                continue;
            }
            let options = match self.filled(item.as_ref()) {
                Ok(options) => options,
                Err(Unfilled::Missing(reason)) => {
                    return self.skip(reason);
                }
                Err(Unfilled::Bad(message)) => {
                    self.not_observed(number, Cause::BadOptions, message)?;
                    continue;
                }
            };
            if ask.is_none() {
                let text = self.ask();
                self.desk.tell(Told::CheckStarted {
                    check: self.name(),
                    ask: text.clone(),
                });
                ask = Some(text);
            }
            self.attempts(number, item.as_ref(), &options).await?;
            if self.desk.is_stopped() {
                break;
            }
        }
        Ok(())
    }

    fn skip(&self, reason: SkipReason) -> Result<(), EngineError> {
        let _news = self.desk.skip(self.gate_id, self.check_id, reason)?;
        Ok(())
    }

    fn ask(&self) -> String {
        gonogo_probes::probe(&self.check.probe)
            .map_or_else(|| self.check.probe.clone(), |p| p.ask(&self.check.options))
    }

    fn filled(&self, item: Option<&Value>) -> Result<serde_json::Value, Unfilled> {
        let registry = gonogo_probes::registry();
        if let Some(Err(missing)) = self.desk.setup.target_of(self.check, &registry) {
            return Err(Unfilled::Missing(SkipReason::Missing {
                name: missing.name.clone(),
                why: missing.why.clone(),
            }));
        }
        let names = self.desk.names();
        let filler = &self.desk.setup.filler;
        let filled = filler.check(&self.check.probe, &self.check.options, &names.scope(item));
        filled.map_err(|error| match error {
            FillError::Missing { name, why } => {
                let why = self.desk.why_missing(&name).unwrap_or(why);
                Unfilled::Missing(SkipReason::Missing { name, why })
            }
            FillError::Bad { message } => Unfilled::Bad(message),
        })
    }

    fn address(&self, item: Option<u32>) -> Address {
        Address {
            gate: self.gate_id.to_owned(),
            check: self.check_id.to_owned(),
            item,
            attempt: self.desk.next_attempt(self.gate_id, self.check_id, item),
        }
    }

    fn not_observed(
        &self,
        item: Option<u32>,
        cause: Cause,
        message: String,
    ) -> Result<(), EngineError> {
        let attempt = Attempt {
            started_at: self.desk.now(),
            elapsed_ns: 0,
            observed: Observed::NotObserved(NotObserved {
                tried: self.ask(),
                cause,
                message,
                help: None,
                elapsed_ns: 0,
            }),
        };
        self.desk
            .observed(self.check, self.address(item), None, attempt)?;
        Ok(())
    }

    /// Tries until it passes, the time for retries is over, or the run is stopped.
    async fn attempts(
        &self,
        number: Option<u32>,
        item: Option<&Value>,
        options: &serde_json::Value,
    ) -> Result<(), EngineError> {
        let started = self.desk.monotonic();
        loop {
            let judged = self.attempt(number, item, options).await?;
            let Some(judged) = judged else {
                return Ok(());
            };
            let Some(retry) = self.check.retry else {
                return Ok(());
            };
            let spent = self.desk.monotonic().saturating_sub(started);
            let pause = Duration::from_nanos(retry.every_ns.unsigned_abs());
            let budget = Duration::from_nanos(retry.for_ns.unsigned_abs());
            let over = self
                .desk
                .retry_is_over(self.gate_id, self.check_id, number, retry)
                // The record counts wall time; this ends what a step of that clock would draw out.
                || spent > budget.saturating_add(pause);
            if judged.outcome.is_good() || over || self.desk.is_stopped() {
                return Ok(());
            }
            self.desk.tell(Told::Retrying {
                check: self.name(),
                message: judged.message,
            });
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.desk.stopped() => return Ok(()),
            }
        }
    }

    async fn attempt(
        &self,
        number: Option<u32>,
        item: Option<&Value>,
        options: &serde_json::Value,
    ) -> Result<Option<judge::AttemptJudged>, EngineError> {
        let at = self.address(number);
        self.intend(&at).await?;
        let timeout = self.timeout(options);
        let ctx = self.desk.ctx(timeout);
        let started_at = self.desk.now();
        let before = self.desk.monotonic();
        let observed = self.observe(options, &ctx, timeout).await;
        let elapsed_ns = nanos(self.desk.monotonic().saturating_sub(before));
        let Some(observed) = observed else {
            // Stopped while only reading: nothing is recorded, a resumed run asks again.
            return Ok(None);
        };
        let observed = match observed {
            Ok(seen) => {
                let observation = self.desk.keep(self.check, seen)?;
                fitting(observation, &ctx, self.name())
            }
            Err(mut reason) => {
                self.desk.mask_reason(&mut reason);
                Observed::NotObserved(reason)
            }
        };
        let attempt = Attempt {
            started_at,
            elapsed_ns,
            observed,
        };
        self.desk.observed(self.check, at, item, attempt).map(Some)
    }

    /// The check's time limit; a load takes as long as its rhythm says.
    fn timeout(&self, options: &serde_json::Value) -> Duration {
        let own = Duration::from_nanos(self.check.timeout_ns.unsigned_abs());
        let statistics = &self.desk.setup.plan.statistics;
        let longest = gonogo_probes::probe(&self.check.probe)
            .and_then(|p| p.longest(options, &self.check.limits, statistics));
        longest.map_or(own, |longest| longest.max(own))
    }

    async fn intend(&self, at: &Address) -> Result<(), EngineError> {
        let event = Event::Intended {
            at: at.clone(),
            power: self.check.power,
            ask: self.ask(),
        };
        if self.check.power.is_some() {
            self.desk.record_synced(event).await
        } else {
            self.desk.record(event)
        }
    }

    /// `None`: the run was stopped while the check was only reading.
    async fn observe(
        &self,
        options: &serde_json::Value,
        ctx: &Ctx,
        timeout: Duration,
    ) -> Option<Result<Seen, NotObserved>> {
        let registry = gonogo_probes::registry();
        let Some(probe) = gonogo_probes::probe(&self.check.probe) else {
            return Some(Err(ctx.not_observed(
                self.name(),
                Cause::Missing,
                format!("this program has no probe `{}`", self.check.probe),
            )));
        };
        let target = match self.desk.setup.target_of(self.check, &registry) {
            Some(Ok(target)) => Some(target),
            _ => None,
        };
        let call = Call {
            options: options.clone(),
            target,
            limits: &self.check.limits,
            statistics: &self.desk.setup.plan.statistics,
            earlier_samplings: self.desk.earlier_samplings(&self.name()),
            reads: self.check.reads,
            scope: self.scope,
            ctx,
        };
        // A bug in a probe must not take the run with it (style, 3.4.7).
        let observing = super::caught::catch(AssertUnwindSafe(probe.observe(call)));
        // A probe ends by its own deadline; this is the belt to its braces.
        let bounded = tokio::time::timeout(timeout + Duration::from_secs(2), observing);
        let may_be_left =
            self.check.power != Some(Power::Write) && self.check.power != Some(Power::Exec);
        let ended = tokio::select! {
            ended = bounded => ended,
            () = self.desk.stopped(), if may_be_left => return None,
        };
        Some(match ended {
            Err(_) => Err(ctx.not_observed(
                self.name(),
                Cause::Timeout,
                "the check did not end within its time limit",
            )),
            Ok(Err(panic)) => Err(ctx.not_observed(
                self.name(),
                Cause::Bug,
                format!("a bug in gonogo: {panic}; please report it"),
            )),
            Ok(Ok(result)) => result,
        })
    }
}

/// The most that is recorded of one look. The journal's lines have a limit, and no target may end a run by passing it.
const MAX_OBSERVATION: usize = 7 << 20;

/// An observation that can be recorded, or that it is too large.
fn fitting(observation: Observation, ctx: &Ctx, name: String) -> Observed {
    let mut counted = Counted(0);
    let fits = serde_json::to_writer(&mut counted, &observation).is_ok();
    if fits && counted.0 <= MAX_OBSERVATION {
        return Observed::Observation(Box::new(observation));
    }
    let mut reason = ctx.not_observed(
        name,
        Cause::TooLarge,
        format!(
            "what was seen has {} bytes as it would be recorded, and at most {MAX_OBSERVATION} are",
            counted.0
        ),
    );
    reason.help = Some(
        "keep less of it: `max_body`, `max_rows`, `max_size` or `max_output` of the check"
            .to_owned(),
    );
    Observed::NotObserved(reason)
}

/// Counts what is written.
struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

enum Unfilled {
    Missing(SkipReason),
    Bad(String),
}

/// Whole nanoseconds, as the record keeps them.
pub(super) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
