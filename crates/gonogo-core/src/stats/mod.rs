//! Statistics: placeholder of signatures until the module lands.
use serde::Serialize;
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Claim {
    Percentile { p: f64, max_ns: i64 },
    ErrorRate { max: f64 },
    Rate { min: f64 },
}
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitJudgement {
    pub claim: Claim,
    pub reason: String,
}
