//! The types that the checker knows, and what a name may be.

use std::collections::BTreeMap;
use std::fmt;

use super::path::{Path, Step};
use crate::value::Value;

/// What a value may be, as far as is known before it is observed.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Known only when observed: a body, a row, what was saved.
    Dyn,
    /// Always null.
    Null,
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// An IEEE 754 double.
    Double,
    /// A whole number or a double.
    Number,
    /// Text.
    String,
    /// Bytes that are not text.
    Bytes,
    /// A span of time.
    Duration,
    /// An instant.
    Timestamp,
    /// A list of one type of element.
    List(Box<Type>),
    /// A map with any keys and one type of value.
    Map(Box<Type>),
    /// A map from names that ignore case to text. The value's own keys are in lower case.
    Headers,
    /// A map with these keys and no others.
    Struct(BTreeMap<String, Field>),
}

/// One key of a [`Type::Struct`], or one name of a [`TypeEnv`].
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// What its value may be.
    pub ty: Type,
    /// What it means, in one line, for `try` and the reference.
    pub doc: String,
    /// Whether it may be absent: an expression then asks `has()` first, or fails.
    pub optional: bool,
}

impl Field {
    /// A key that is always there.
    pub fn new(ty: Type, doc: impl Into<String>) -> Self {
        Self {
            ty,
            doc: doc.into(),
            optional: false,
        }
    }

    /// A key that may be absent.
    pub fn optional(ty: Type, doc: impl Into<String>) -> Self {
        Self {
            optional: true,
            ..Self::new(ty, doc)
        }
    }
}

impl Type {
    /// A list of such elements.
    pub fn list(of: Type) -> Self {
        Self::List(Box::new(of))
    }

    /// A map with any keys to such values.
    pub fn map(of: Type) -> Self {
        Self::Map(Box::new(of))
    }

    /// A map with these keys: name and field.
    pub fn fields<N: Into<String>>(fields: impl IntoIterator<Item = (N, Field)>) -> Self {
        Self::Struct(fields.into_iter().map(|(n, f)| (n.into(), f)).collect())
    }

    /// The type of a value at hand, as far down as its elements agree.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) | Value::Uint(_) => Self::Int,
            Value::Double(_) => Self::Double,
            Value::String(_) => Self::String,
            Value::Bytes(_) => Self::Bytes,
            Value::Duration(_) => Self::Duration,
            Value::Timestamp(_) => Self::Timestamp,
            Value::List(items) => Self::list(Self::joined(items.iter().map(Self::of))),
            Value::Map(map) => Self::map(Self::joined(map.values().map(Self::of))),
        }
    }

    /// The one type that all are, else [`Type::Dyn`].
    pub(super) fn joined(types: impl IntoIterator<Item = Self>) -> Self {
        let mut types = types.into_iter();
        let Some(first) = types.next() else {
            return Self::Dyn;
        };
        types.fold(first, |a, b| match (a, b) {
            (a, b) if a == b => a,
            (a, b) if a.is_number() && b.is_number() => Self::Number,
            _ => Self::Dyn,
        })
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Number)
    }

    /// Whether two values of these types may be compared for equality.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dyn | Self::Null, _) | (_, Self::Dyn | Self::Null) => true,
            (Self::List(a), Self::List(b)) | (Self::Map(a), Self::Map(b)) => a.may_equal(b),
            (a, b) if a.is_map() && b.is_map() => true,
            (a, b) => a == b || (a.is_number() && b.is_number()),
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_) | Self::Struct(_) | Self::Headers)
    }

    /// The type one step in; nothing where no such step can be made.
    pub(super) fn step(&self, step: &Step) -> Option<Type> {
        match (self, step) {
            (Self::Dyn, _) | (Self::Struct(_), Step::Any) => Some(Self::Dyn),
            (Self::List(of), Step::At(_) | Step::Any)
            | (Self::Map(of), Step::Key(_) | Step::Any) => Some((**of).clone()),
            (Self::Headers, Step::Key(_) | Step::Any) => Some(Self::String),
            (Self::Struct(fields), Step::Key(key)) => fields.get(key).map(|f| f.ty.clone()),
            _ => None,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dyn => "any",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Number => "number",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::List(of) if **of == Self::Dyn => "list",
            Self::List(of) => return write!(f, "list of {of}"),
            Self::Map(_) | Self::Headers | Self::Struct(_) => "map",
        })
    }
}

/// The names that an expression may use, with their types.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeEnv {
    names: BTreeMap<String, Field>,
}

impl TypeEnv {
    /// Nothing declared.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a name, replacing an earlier declaration of it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, field: Field) -> Self {
        self.names.insert(name.into(), field);
        self
    }

    /// Declares each key of a struct as a name: the shape of an observation, whose parts are used bare.
    #[must_use]
    pub fn with_shape(mut self, shape: &Type) -> Self {
        if let Type::Struct(fields) = shape {
            self.names
                .extend(fields.iter().map(|(n, f)| (n.clone(), f.clone())));
        }
        self
    }

    /// The declaration of a name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.names.get(name)
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.names.keys().map(String::as_str)
    }

    /// The type of what lies at a path; nothing where nothing is known to lie there.
    pub fn type_at(&self, path: &Path) -> Option<Type> {
        let mut ty = self.names.get(&path.root)?.ty.clone();
        for step in &path.steps {
            ty = ty.step(step)?;
        }
        Some(ty)
    }
}
