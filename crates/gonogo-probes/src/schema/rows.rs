//! Rows of a catalogue as fields with types. What is not as we asked for it is an error, never a default.

use gonogo_core::{Map, Value};

/// One row.
pub(super) struct Row(pub(super) Map);

impl Row {
    fn take(&mut self, name: &str) -> Result<Value, String> {
        self.0
            .remove(name)
            .ok_or_else(|| format!("the catalogue gave no `{name}`"))
    }

    /// A text that is there.
    pub(super) fn text(&mut self, name: &str) -> Result<String, String> {
        self.maybe(name)?
            .ok_or_else(|| format!("`{name}` of the catalogue is null"))
    }

    /// A text, where there is one.
    pub(super) fn maybe(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name)? {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            other => Err(wrong(name, "a text", &other)),
        }
    }

    /// A truth value; SQLite has numbers for them.
    pub(super) fn truth(&mut self, name: &str) -> Result<bool, String> {
        match self.take(name)? {
            Value::Bool(truth) => Ok(truth),
            Value::Int(number) => Ok(number != 0),
            other => Err(wrong(name, "a truth value", &other)),
        }
    }

    /// A whole number.
    pub(super) fn int(&mut self, name: &str) -> Result<i64, String> {
        match self.take(name)? {
            Value::Int(number) => Ok(number),
            other => Err(wrong(name, "a whole number", &other)),
        }
    }

    /// A whole number, where there is one.
    pub(super) fn maybe_int(&mut self, name: &str) -> Result<Option<i64>, String> {
        match self.take(name)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(number)),
            other => Err(wrong(name, "a whole number", &other)),
        }
    }

    /// A list of texts; null is an empty one.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, String> {
        match self.take(name)? {
            Value::Null => Ok(Vec::new()),
            Value::List(items) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    other => Err(wrong(name, "a list of texts", &other)),
                })
                .collect(),
            other => Err(wrong(name, "a list of texts", &other)),
        }
    }

    /// A place in a table, from one.
    pub(super) fn position(&mut self, name: &str) -> Result<u32, String> {
        u32::try_from(self.int(name)?)
            .map_err(|_| format!("`{name}` of the catalogue is no position"))
    }
}

fn wrong(name: &str, wanted: &str, found: &Value) -> String {
    format!(
        "`{name}` of the catalogue is {wanted}, and a {} came",
        found.type_name()
    )
}
