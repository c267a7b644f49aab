//! The contract of a probe: it observes one kind of thing and judges nothing.

use std::future::Future;
use std::pin::Pin;

use gonogo_core::Map;
use gonogo_core::plan::{Limit, StatisticsOptions, Syntax};
use gonogo_core::record::{Absence, Cut, NotObserved, RollbackProof, Shown, TargetSeen};
use serde_json::Value as Json;

use crate::ctx::{Ctx, GateScope};

/// A boxed future, so that probes can stand in one list.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One kind of observation. No method of it returns an outcome.
pub trait Probe: Syntax {
    /// What is asked, in one line for a person, such as `GET /health`. Gets the options as written.
    fn ask(&self, options: &Json) -> String;

    /// How long one attempt takes at the longest by its own options, where that may be longer than the check's time
    /// limit: a load.
    fn longest(
        &self,
        _options: &Json,
        _limits: &[Limit],
        _statistics: &StatisticsOptions,
    ) -> Option<std::time::Duration> {
        None
    }

    /// Looks once. Must end by `call.ctx.deadline()`, keep no more than its caps, and leave nothing running when
    /// the future is dropped.
    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>>;

    /// Ends what the probe opened for a gate (`transaction: rollback`); `None`: nothing was open.
    fn end_gate<'a>(&'a self, _scope: &'a GateScope) -> BoxFuture<'a, Option<GateEnd>> {
        Box::pin(async { None })
    }
}

/// How the transaction of a gate ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateEnd {
    /// The server confirmed the rollback; otherwise the connection was lost, and the server rolls back by itself.
    pub confirmed: bool,
    /// What was compared before and after, where it was.
    pub proof: Option<RollbackProof>,
}

impl GateEnd {
    /// Without a comparison.
    pub fn only(confirmed: bool) -> Self {
        Self {
            confirmed,
            proof: None,
        }
    }

    /// The connection was lost.
    pub fn lost() -> Self {
        Self::only(false)
    }

    /// The ends of two databases in one gate.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            confirmed: self.confirmed && other.confirmed,
            proof: match (self.proof, other.proof) {
                (Some(one), Some(other)) => Some(one.and(other)),
                (None, None) => None,
                (Some(mut proof), None) | (None, Some(mut proof)) => {
                    let note = "of another database of this gate only the rollback was confirmed";
                    proof.notes.push(note.to_owned());
                    Some(proof)
                }
            },
        }
    }
}

/// One attempt at a check, ready to be made. Holds secrets, so it cannot be printed.
pub struct Call<'a> {
    /// The probe's key and options, templates filled and validated against the probe's schema.
    pub options: Json,
    /// The target, where the probe has one.
    pub target: Option<&'a ResolvedTarget>,
    /// The check's limits: how many samples are enough may depend on them.
    pub limits: &'a [Limit],
    /// The plan's statistical assumptions.
    pub statistics: &'a StatisticsOptions,
    /// How often this check took samples of the same subject before; `None` where nobody counted.
    pub earlier_samplings: Option<u32>,
    /// The check says that it only reads.
    pub reads: bool,
    /// What the gate shares; `Some` transaction scope where the gate is rolled back.
    pub scope: &'a GateScope,
    /// The only door outside.
    pub ctx: &'a Ctx,
}

/// A target of the environment with its templates filled. Holds secrets, so it cannot be printed.
#[derive(Clone)]
pub struct ResolvedTarget {
    /// Its name in the plan.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its options, the kind's key included.
    pub options: Json,
}

/// What a probe saw, before redaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The facts, by the names of the probe's shape.
    pub facts: Map,
    /// The target as it was reached.
    pub target: Option<TargetSeen>,
    /// Facts under which there was nothing to look at.
    pub absent: Vec<Absence>,
    /// Facts that were cut at a cap.
    pub cut: Vec<Cut>,
    /// Tables and excerpts for a person.
    pub shown: Vec<Shown>,
    /// Large parts.
    pub blobs: Vec<RawBlob>,
}

/// A large part of an observation, before redaction.
#[derive(Clone, PartialEq)]
pub struct RawBlob {
    /// What it is to the observation.
    pub role: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether the bytes may hold what a target sent or a secret, and so must pass the redactor. False only for
    /// the binary formats that hold numbers alone.
    pub redact: bool,
}

impl std::fmt::Debug for RawBlob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawBlob({}, {} bytes)", self.role, self.bytes.len())
    }
}
