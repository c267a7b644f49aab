//! What is recorded: observations and the events of a run. Everything that judging needs, and nothing else.

mod event;
mod fold;
mod observation;
mod rollback;

pub use event::*;
pub use fold::*;
pub use observation::*;
pub use rollback::*;
