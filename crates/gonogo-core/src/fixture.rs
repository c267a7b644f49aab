//! Plans and records for the tests of judging and deciding.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use serde_json::json;

use crate::diag::Place;
use crate::expr::{self, Expr};
use crate::outcome::Severity;
use crate::plan::{
    Check, Decide, Environment, Gate, Plan, PlanFile, Save, Statements, StatisticsOptions,
};
use crate::record::{
    Absence, Address, Attempt, BlobRef, Cause, EnvironmentKind, Event, JOURNAL_FORMAT, NotObserved,
    Observation, Observed, Power, Run, RunStarted, SkipReason, TargetSeen, fold,
};
use crate::series::{Arrivals, End, Model, Sample, SeriesBuilder, SeriesHeader};
use crate::value::{Map, Value};

pub(crate) type BlobMap = BTreeMap<String, Vec<u8>>;

/// So many seconds after the run started.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    let start = Utc.with_ymd_and_hms(2026, 11, 21, 10, 0, 0).single();
    start.expect("a date") + TimeDelta::seconds(seconds)
}

pub(crate) fn expr(source: &str) -> Expr {
    expr::parse(source).unwrap_or_else(|p| panic!("{source}: {p:?}"))
}

fn place() -> Place {
    Place {
        file: "plan.yaml".to_owned(),
        line: 1,
        column: 1,
        width: 1,
    }
}

pub(crate) fn check(id: &str, expect: &[&str]) -> Check {
    Check {
        id: id.to_owned(),
        probe: "http".to_owned(),
        options: json!({"http": format!("GET /{id}")}),
        target: None,
        expect: expect.iter().map(|e| expr(e)).collect(),
        warn: Vec::new(),
        limits: Vec::new(),
        save: Vec::new(),
        when: None,
        for_each: None,
        retry: None,
        timeout_ns: 10_000_000_000,
        reads: false,
        repeatable: false,
        absent_is_warn: false,
        fresh_for_ns: None,
        finding: None,
        power: None,
        place: place(),
    }
}

pub(crate) fn save(name: &str, from: &str, secret: bool) -> Save {
    Save {
        name: name.to_owned(),
        from: expr(from),
        secret,
    }
}

pub(crate) fn gate(id: &str, checks: Vec<Check>) -> Gate {
    Gate {
        id: id.to_owned(),
        title: format!("Gate {id}"),
        severity: Severity::Critical,
        needs: Vec::new(),
        only: Vec::new(),
        always: false,
        rollback: false,
        owner: None,
        fresh_for_ns: None,
        target: None,
        finding: None,
        checks,
        place: place(),
    }
}

pub(crate) fn plan(gates: Vec<Gate>) -> Plan {
    let environment = |kind| Environment {
        kind,
        allow: vec![Power::Write, Power::Load],
        targets: Vec::new(),
        values: BTreeMap::new(),
    };
    Plan {
        name: "orders".to_owned(),
        inputs: BTreeMap::new(),
        subject: None,
        environments: BTreeMap::from([
            ("local".to_owned(), environment(EnvironmentKind::Local)),
            ("staging".to_owned(), environment(EnvironmentKind::Staging)),
        ]),
        gates,
        decide: Decide::default(),
        valid_for_ns: 86_400_000_000_000,
        statistics: StatisticsOptions::default(),
        statements: Statements::default(),
        files: vec![PlanFile {
            path: "plan.yaml".to_owned(),
            bytes: Vec::new(),
        }],
    }
}

pub(crate) fn started() -> RunStarted {
    RunStarted {
        format: JOURNAL_FORMAT,
        gonogo: "0.1.0".to_owned(),
        run: "2026-11-21T1000Z-orders-staging-7f3a".to_owned(),
        started_at: at(0),
        plan_file: "plan.yaml".to_owned(),
        plan_sha256: "0".repeat(64),
        waivers_sha256: None,
        policy_sha256: None,
        environment: "staging".to_owned(),
        kind: EnvironmentKind::Staging,
        inputs: BTreeMap::new(),
        powers: vec![Power::Write, Power::Load],
        only: Vec::new(),
        earlier: Some(Vec::new()),
    }
}

pub(crate) fn address(gate: &str, check: &str, attempt: u32) -> Address {
    Address {
        gate: gate.to_owned(),
        check: check.to_owned(),
        item: None,
        attempt,
    }
}

/// Facts out of JSON; `latency` and the like are given as `{"$duration": "43ms"}`.
pub(crate) fn facts(json: serde_json::Value) -> Map {
    match serde_json::from_value(json) {
        Ok(Value::Map(map)) => map,
        other => panic!("facts are a map: {other:?}"),
    }
}

pub(crate) fn target() -> TargetSeen {
    TargetSeen {
        name: "api".to_owned(),
        address: "http://127.0.0.1:8080".to_owned(),
        engine: None,
    }
}

pub(crate) fn observation(facts: Map) -> Observation {
    Observation {
        probe: "http".to_owned(),
        target: None,
        facts,
        absent: Vec::new(),
        cut: Vec::new(),
        blobs: Vec::new(),
        shown: Vec::new(),
        secrets_seen: Vec::new(),
    }
}

pub(crate) fn seen(json: serde_json::Value) -> Observed {
    Observed::Observation(Box::new(observation(facts(json))))
}

pub(crate) fn status(status: u16) -> Observed {
    seen(json!({"status": status, "latency": {"$duration": "43ms"}, "body": {}, "json": true}))
}

pub(crate) fn nothing(cause: Cause) -> Observed {
    Observed::NotObserved(NotObserved {
        tried: "GET http://127.0.0.1:9/health".to_owned(),
        cause,
        message: "os error 111".to_owned(),
        help: None,
        elapsed_ns: 1_000_000,
    })
}

pub(crate) fn empty(fact: &str, mut json: serde_json::Value) -> Observed {
    json[fact] = json!([]);
    let mut observation = observation(facts(json));
    observation.absent.push(Absence {
        fact: fact.to_owned(),
        why: format!("no {fact}"),
    });
    Observed::Observation(Box::new(observation))
}

pub(crate) fn attempt(seconds: i64, observed: Observed) -> Attempt {
    Attempt {
        started_at: at(seconds),
        elapsed_ns: 43_000_000,
        observed,
    }
}

/// A load at 10/s: how long each request took, in milliseconds; nothing for one that timed out.
pub(crate) fn load(latencies_ms: &[Option<u64>]) -> (Observed, BlobMap) {
    let header = SeriesHeader {
        model: Model::Open {
            arrivals: Arrivals::Constant,
        },
        planned_rate: Some(10.0),
        started_at_ms: at(0).timestamp_millis(),
        warm_up: 0,
        timeout_ns: 10_000_000_000,
    };
    let mut builder = SeriesBuilder::new(&header).expect("a sound header");
    for (i, latency) in (0u64..).zip(latencies_ms) {
        let due = i * 100_000_000;
        builder.push(match latency {
            Some(ms) => Sample::ended(due, due, due + ms * 1_000_000, 200, End::Ok),
            None => Sample::ended(due, due, due + 10_000_000_000, 0, End::TimedOut),
        });
    }
    let bytes = builder
        .into_series()
        .expect("sound samples")
        .as_bytes()
        .to_vec();
    let sha256 = crate::judge::sha256_hex(&bytes);
    let mut observation = observation(Map::new());
    observation.probe = "load".to_owned();
    observation.blobs.push(BlobRef {
        role: "samples".to_owned(),
        sha256: sha256.clone(),
        bytes: bytes.len() as u64,
        media_type: "application/octet-stream".to_owned(),
    });
    let observed = Observed::Observation(Box::new(observation));
    (observed, BlobMap::from([(sha256, bytes)]))
}

/// The events of a run, in the making.
pub(crate) struct Tape {
    pub(crate) events: Vec<Event>,
    seconds: i64,
}

impl Tape {
    pub(crate) fn new() -> Self {
        Self::of(started())
    }

    pub(crate) fn of(started: RunStarted) -> Self {
        Self {
            events: vec![Event::RunStarted(Box::new(started))],
            seconds: 0,
        }
    }

    pub(crate) fn observed(mut self, gate: &str, check: &str, observed: Observed) -> Self {
        self.seconds += 1;
        let earlier = self.events.iter().filter(|event| {
            matches!(event, Event::Observed { at, .. } if at.gate == gate && at.check == check)
        });
        let at = address(gate, check, earlier.count() as u32 + 1);
        self.events.push(Event::Intended {
            at: at.clone(),
            power: Some(Power::Write),
            ask: format!("GET /{check}"),
        });
        self.events.push(Event::Observed {
            at,
            attempt: Box::new(attempt(self.seconds, observed)),
        });
        self
    }

    /// An observation of each item of a `for_each`.
    pub(crate) fn items(mut self, gate: &str, check: &str, items: Vec<(Value, Observed)>) -> Self {
        self.events.push(Event::Expanded {
            gate: gate.to_owned(),
            check: check.to_owned(),
            items: items.iter().map(|(item, _)| item.clone()).collect(),
        });
        for (number, (_, observed)) in (0..).zip(items) {
            self.events.push(Event::Observed {
                at: Address {
                    item: Some(number),
                    ..address(gate, check, 1)
                },
                attempt: Box::new(attempt(1, observed)),
            });
        }
        self
    }

    pub(crate) fn skipped(self, gate: &str, check: &str, reason: SkipReason) -> Self {
        self.push(Event::Skipped {
            gate: gate.to_owned(),
            check: check.to_owned(),
            reason,
        })
    }

    pub(crate) fn push(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    pub(crate) fn after(mut self, seconds: i64) -> Self {
        self.seconds += seconds;
        self
    }

    pub(crate) fn run(self) -> Run {
        fold(self.events).expect("a legal order")
    }

    pub(crate) fn finished(self) -> Run {
        let finished_at = at(self.seconds + 1);
        self.push(Event::RunFinished { finished_at }).run()
    }
}
