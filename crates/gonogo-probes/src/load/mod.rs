//! The `load` probe.

pub mod engine;
pub mod series;
