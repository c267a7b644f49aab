//! The pure heart of gonogo: values in, values out.
//!
//! No I/O, no clock, no randomness, no environment, no hash order. Time is a value handed in.

pub mod capacity;
pub mod decide;
pub mod diag;
pub mod diagnose;
pub mod duration;
pub mod exposition;
pub mod expr;
#[cfg(test)]
mod fixture;
pub mod judge;
pub mod judged;
pub mod outcome;
pub mod plan;
pub mod record;
pub mod redact;
pub mod schedule;
pub mod schema_model;
pub mod series;
pub mod shape;
pub mod shapes;
pub mod snapshot;
pub mod stats;
pub mod value;

pub use value::{Map, Value};
