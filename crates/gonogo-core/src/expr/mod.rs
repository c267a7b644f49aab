//! Expressions: placeholder of signatures until the module lands.
use std::collections::BTreeMap;
use std::ops::Range;

#[derive(Clone, Debug)]
pub struct Expr {
    source: String,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprProblem {
    pub code: &'static str,
    pub offset: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}
impl Expr {
    pub fn source(&self) -> &str {
        &self.source
    }
}
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Dyn,
    Null,
    Bool,
    Int,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    List(Box<Type>),
    Map(Box<Type>),
    Struct(BTreeMap<String, Field>),
}
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub ty: Type,
    pub doc: String,
    pub optional: bool,
}
