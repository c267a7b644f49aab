//! Plans: text → positioned tree → typed plan, or every problem at once.

mod syntax;
mod types;

pub use syntax::*;
pub use types::*;
