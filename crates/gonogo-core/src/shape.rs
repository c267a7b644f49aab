//! The shape of what a probe observes: which bare names expectations may use, of which types.

pub use crate::expr::{Field, Type};

/// The facts of one check, as the expression checker and `gonogo try` see them.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Name, type and one sentence each, in the order in which they are shown.
    pub fields: Vec<(String, Field)>,
}
