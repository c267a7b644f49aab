//! Where in an observation something lies: `body.items[0].id`.

use std::fmt;

/// One step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A key of a map.
    Key(String),
    /// An element of a list, counted from 0.
    At(usize),
    /// Some key or element that is known only when the expression is evaluated.
    Any,
}

/// A name and the steps from its value to the part that is meant, such as `body.items[0].id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The name the path starts from. Where a path starts from something computed, its source text.
    pub root: String,
    /// The steps, outermost first.
    pub steps: Vec<Step>,
}

impl Path {
    /// The path that is only a name.
    pub fn root(name: impl Into<String>) -> Self {
        Self {
            root: name.into(),
            steps: Vec::new(),
        }
    }

    /// The path one step further in.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Whether the path is `outer` or lies inside it.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.root == outer.root
            && self.steps.len() >= outer.steps.len()
            && outer
                .steps
                .iter()
                .zip(&self.steps)
                .all(|(a, b)| a == b || *a == Step::Any || *b == Step::Any)
    }

    /// The names along the path, without indexes: `redirects[0].headers` gives `redirects.headers`.
    pub(super) fn names(&self) -> String {
        let mut out = self.root.clone();
        for step in &self.steps {
            if let Step::Key(key) = step {
                out.push('.');
                out.push_str(key);
            }
        }
        out
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        for step in &self.steps {
            match step {
                Step::Key(key) if is_name(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[{}]", serde_json::Value::from(key.as_str()))?,
                Step::At(index) => write!(f, "[{index}]")?,
                Step::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// Whether a key may stand behind a dot.
pub(super) fn is_name(key: &str) -> bool {
    let mut chars = key.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
