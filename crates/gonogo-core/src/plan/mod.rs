//! Plans: text → positioned tree → typed plan, or every problem at once.

mod decode;
mod problems;
mod raw;
mod repair;
mod schema;
mod source;
mod syntax;
mod tree;
mod types;

pub use schema::{json_schema, waivers_schema};
pub use syntax::*;
pub use types::*;
