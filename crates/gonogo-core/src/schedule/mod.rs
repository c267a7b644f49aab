//! Which check may start now: a state machine without timers.
//!
//! Gates run in file order, one after the other. Within a gate neighbouring checks that only read run side by
//! side; a check that may do more is a barrier, and so is one that uses what an earlier check of its gate saves.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Check, Gate, Plan};
use crate::record::{Power, SkipReason};

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// A gate begins; nothing of it has started.
    OpenGate(usize),
    /// Start this check of this gate; both are indexes into the plan.
    Start(usize, usize),
    /// Do not attempt this check.
    Skip(usize, usize, SkipReason),
    /// Every check of the gate has ended; answer with [`Schedule::gate_closed`].
    CloseGate(usize),
}

/// What the schedule must know besides the plan.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The environment's name.
    pub environment: String,
    /// `--only` as given: gate ids or `gate/check`; empty for all.
    pub only: Vec<String>,
    /// The powers that the run has.
    pub powers: Vec<Power>,
    /// How many checks may run side by side.
    pub width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Ended,
}

/// The order of one run.
pub struct Schedule<'p> {
    plan: &'p Plan,
    scope: Scope,
    chosen: BTreeSet<(usize, usize)>,
    gate: usize,
    opened: bool,
    closing: bool,
    /// First check of the current gate that has not ended.
    first_open: usize,
    states: Vec<State>,
    running: usize,
    good: BTreeMap<&'p str, bool>,
    stopped: bool,
}

impl<'p> Schedule<'p> {
    /// A schedule at its beginning.
    pub fn new(plan: &'p Plan, scope: Scope) -> Self {
        let chosen = choose(plan, &scope.only);
        let mut schedule = Self {
            plan,
            scope,
            chosen,
            gate: 0,
            opened: false,
            closing: false,
            first_open: 0,
            states: Vec::new(),
            running: 0,
            good: BTreeMap::new(),
            stopped: false,
        };
        schedule.enter(0);
        schedule
    }

    /// Whether the plan itself leaves the gate out in this environment.
    pub fn out_of_scope(&self, gate: &Gate) -> bool {
        !gate.only.is_empty() && !gate.only.contains(&self.scope.environment)
    }

    /// Everything that may happen now. Empty while running checks must end first, or when all is done.
    pub fn moves(&mut self) -> Vec<Move> {
        let mut moves = Vec::new();
        while self.gate < self.plan.gates.len() && !self.closing {
            let gate = &self.plan.gates[self.gate];
            if self.out_of_scope(gate) {
                self.enter(self.gate + 1);
                continue;
            }
            if !self.opened {
                self.opened = true;
                moves.push(Move::OpenGate(self.gate));
                if let Some(reason) = self.gate_skipped(gate) {
                    for check in 0..gate.checks.len() {
                        moves.push(Move::Skip(self.gate, check, reason.clone()));
                        self.states[check] = State::Ended;
                    }
                }
            }
            self.start_ready(gate, &mut moves);
            if self.states[self.first_open..]
                .iter()
                .all(|s| *s == State::Ended)
            {
                self.closing = true;
                moves.push(Move::CloseGate(self.gate));
            }
            break;
        }
        moves
    }

    /// A started check has ended.
    pub fn ended(&mut self, gate: usize, check: usize) {
        if gate == self.gate && self.states[check] == State::Running {
            self.states[check] = State::Ended;
            self.running -= 1;
        }
    }

    /// The gate was closed; says whether it is good enough for the gates that need it (pass, warn or waived).
    pub fn gate_closed(&mut self, gate: usize, good: bool) {
        self.good.insert(&self.plan.gates[gate].id, good);
        self.enter(gate + 1);
    }

    /// Nothing new starts from now on: what has not started is skipped as interrupted.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether every gate has been closed.
    pub fn is_finished(&self) -> bool {
        self.gate >= self.plan.gates.len()
    }

    fn enter(&mut self, gate: usize) {
        self.gate = gate;
        self.opened = false;
        self.closing = false;
        self.first_open = 0;
        self.running = 0;
        let count = self.plan.gates.get(gate).map_or(0, |g| g.checks.len());
        self.states = vec![State::Waiting; count];
    }

    fn gate_skipped(&self, gate: &Gate) -> Option<SkipReason> {
        if self.stopped {
            return Some(SkipReason::Interrupted);
        }
        if gate.always {
            return None;
        }
        gate.needs
            .iter()
            .find(|need| self.good.get(need.as_str()) != Some(&true))
            .map(|need| SkipReason::Needs { gate: need.clone() })
    }

    fn start_ready(&mut self, gate: &Gate, moves: &mut Vec<Move>) {
        while self.first_open < self.states.len() && self.states[self.first_open] == State::Ended {
            self.first_open += 1;
        }
        let mut open_before = false;
        let mut open_saves: BTreeSet<&str> = BTreeSet::new();
        for index in self.first_open..self.states.len() {
            let check = &gate.checks[index];
            if self.states[index] == State::Waiting {
                if let Some(reason) = self.skipped(check, index) {
                    self.states[index] = State::Ended;
                    moves.push(Move::Skip(self.gate, index, reason));
                    continue;
                }
                let barrier = is_barrier(gate, check);
                if barrier && open_before || self.running >= self.scope.width.max(1) {
                    break;
                }
                if check_uses(check)
                    .iter()
                    .any(|n| open_saves.contains(n.as_str()))
                {
                    break;
                }
                self.states[index] = State::Running;
                self.running += 1;
                moves.push(Move::Start(self.gate, index));
                if barrier {
                    break;
                }
            }
            if self.states[index] == State::Running {
                if is_barrier(gate, check) {
                    break;
                }
                open_before = true;
                open_saves.extend(check.save.iter().map(|s| s.name.as_str()));
            }
        }
    }

    fn skipped(&self, check: &Check, index: usize) -> Option<SkipReason> {
        if !self.chosen.contains(&(self.gate, index)) {
            return Some(SkipReason::Filtered);
        }
        if self.stopped {
            return Some(SkipReason::Interrupted);
        }
        check
            .power
            .filter(|p| !self.scope.powers.contains(p))
            .map(|power| SkipReason::Power { power })
    }
}

/// A check that may change something, that repeats itself in order, or that shares a transaction, runs alone.
fn is_barrier(gate: &Gate, check: &Check) -> bool {
    gate.rollback || check.power.is_some() || check.for_each.is_some()
}

/// The saved names that a check uses anywhere: in its options, its `when`, its `for_each`. Expectations are judged
/// after the check, but may speak of saved values too.
pub fn check_uses(check: &Check) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut exprs: Vec<&crate::expr::Expr> = check.expect.iter().chain(&check.warn).collect();
    exprs.extend(check.when.as_ref());
    if let Some(crate::plan::ForEach::Expr(expr)) = &check.for_each {
        exprs.push(expr);
    }
    for expr in exprs {
        names.extend(saved_names(expr));
    }
    collect_texts(&check.options, &mut names);
    if let Some(crate::plan::ForEach::List(items)) = &check.for_each {
        for item in items {
            collect_texts(item, &mut names);
        }
    }
    names
}

/// The names under `saved` that an expression looks at.
fn saved_names(expr: &crate::expr::Expr) -> BTreeSet<String> {
    expr.paths()
        .into_iter()
        .filter(|path| path.root == "saved")
        .filter_map(|path| match path.steps.into_iter().next() {
            Some(crate::expr::Step::Key(name)) => Some(name),
            _ => None,
        })
        .collect()
}

fn collect_texts(json: &serde_json::Value, names: &mut BTreeSet<String>) {
    match json {
        serde_json::Value::String(text) if text.contains("${") => {
            // A text that is no template was refused when the plan was loaded.
            if let Ok(template) = crate::expr::parse_template(text) {
                names.extend(template.exprs().flat_map(saved_names));
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|v| collect_texts(v, names)),
        serde_json::Value::Object(map) => map.values().for_each(|v| collect_texts(v, names)),
        _ => {}
    }
}

/// The checks that `--only` leaves in: those named, all of the gates they need, and those that save what they use.
fn choose(plan: &Plan, only: &[String]) -> BTreeSet<(usize, usize)> {
    let all = plan
        .gates
        .iter()
        .enumerate()
        .flat_map(|(g, gate)| (0..gate.checks.len()).map(move |c| (g, c)));
    if only.is_empty() {
        return all.collect();
    }
    let everything: Vec<(usize, usize)> = all.collect();
    let named = |&(g, c): &(usize, usize)| {
        let gate = &plan.gates[g];
        only.iter()
            .any(|o| *o == gate.id || o.split_once('/') == Some((&gate.id, &gate.checks[c].id)))
    };
    let mut chosen: BTreeSet<(usize, usize)> = everything.iter().copied().filter(named).collect();
    loop {
        let before = chosen.len();
        let needs: BTreeSet<&str> = chosen
            .iter()
            .flat_map(|(g, _)| plan.gates[*g].needs.iter().map(String::as_str))
            .collect();
        let used: BTreeSet<String> = chosen
            .iter()
            .flat_map(|(g, c)| check_uses(&plan.gates[*g].checks[*c]))
            .collect();
        for &(g, c) in &everything {
            let gate = &plan.gates[g];
            let saves_used = gate.checks[c].save.iter().any(|s| used.contains(&s.name));
            if needs.contains(gate.id.as_str()) || saves_used {
                chosen.insert((g, c));
            }
        }
        if chosen.len() == before {
            return chosen;
        }
    }
}
