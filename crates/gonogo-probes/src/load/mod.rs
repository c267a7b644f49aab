//! The `load` probe.

pub mod engine;
