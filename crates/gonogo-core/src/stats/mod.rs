//! Statistics of the limits: a number is a claim, and passes only when the samples support it.
//!
//! Pure functions, each with the source of its formula; the literature is named in short where it is used: Clopper &
//! Pearson (Biometrika 1934), Wilks (Ann. Math. Stat. 1941), Korn & Graubard (Survey Methodology 1998), Robbins (Ann.
//! Math. Stat. 1970), Ville (1939), Newcombe (Statistics in Medicine 1998), Massart (Ann. Prob. 1990), Berger
//! (Technometrics 1982), Le Boudec (Performance Evaluation of Computer and Communication Systems, 2010).
//!
//! What the rest of gonogo needs:
//! - [`judge_limit`] and [`judge_all`]: claims against a [`Series`](crate::series::Series), recomputed from its bytes;
//! - [`SequentialLook`]: the same question while a load with `until: decided` runs;
//! - [`required_requests`]: what a claim needs before it can be decided, for `plan` and `lint`;
//! - [`describe`]: the figures shown beside limits, by nearest rank;
//! - [`compare`]: two runs against each other, as non-inferiority.
//!
//! Every test is of the form "proven good, so met"; a NaN proves nothing, and no samples prove nothing.

pub mod beta;
pub mod binomial;
pub mod buckets;
pub mod compare;
mod describe;
mod effective;
mod judging;
mod limit;
mod look;
mod rate;
pub mod sequential;
mod sizes;
mod tally;
mod words;

pub use describe::{Description, describe, nearest_rank};
pub use effective::{Dispersion, burst_factor, bursts_seen, dispersion};
pub use judging::{judge_all, judge_limit};
pub use limit::{
    Assumptions, Attempts, Claim, Exceedance, LimitJudgement, LimitOutcome, Needs, Unit,
};
pub use look::SequentialLook;
pub use sizes::{Required, Size, flawless_size, recommended_size, required_requests};

#[cfg(test)]
mod tests;
