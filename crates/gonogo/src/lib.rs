//! `gonogo`: decides whether a staging deployment may go to production, and can prove why.

pub mod bundle;
pub mod cli;
pub mod engine;
pub mod store;
pub mod world;
