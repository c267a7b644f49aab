//! The pure heart of gonogo: values in, values out.
//!
//! No I/O, no clock, no randomness, no environment, no hash order. Time is a value handed in.

pub mod diag;
pub mod duration;
pub mod exposition;
pub mod expr;
pub mod judged;
pub mod outcome;
pub mod plan;
pub mod record;
pub mod redact;
pub mod series;
pub mod shape;
pub mod shapes;
pub mod stats;
pub mod value;

pub use value::{Map, Value};
