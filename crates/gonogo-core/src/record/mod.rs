//! What is recorded: observations and the events of a run. Everything that judging needs, and nothing else.

mod event;
mod observation;

pub use event::*;
pub use observation::*;
