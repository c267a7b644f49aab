//! Facts of an observation as text for a person.

use gonogo_core::value::{Map, Value};

/// Indented JSON, cut after so many bytes and saying so. Only what is shown is built.
pub(crate) fn pretty(facts: &Map, most: usize) -> String {
    let mut writer = Writer {
        out: String::new(),
        most,
    };
    writer.map(facts, 0);
    if writer.is_full() {
        let mut end = most.min(writer.out.len());
        while !writer.out.is_char_boundary(end) {
            end -= 1;
        }
        writer.out.truncate(end);
        writer
            .out
            .push_str("\n… cut here; the whole is in the bundle's journal");
    }
    writer.out
}

struct Writer {
    out: String,
    most: usize,
}

impl Writer {
    fn is_full(&self) -> bool {
        self.out.len() > self.most
    }

    fn line(&mut self, depth: usize) {
        self.out.push('\n');
        // Depth is the target's to choose; the indent is not.
        for _ in 0..depth.min(24) {
            self.out.push_str("  ");
        }
    }

    fn map(&mut self, map: &Map, depth: usize) {
        if map.is_empty() {
            self.out.push_str("{}");
            return;
        }
        self.out.push('{');
        for (index, (key, value)) in map.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if index > 0 {
                self.out.push(',');
            }
            self.line(depth + 1);
            self.string(key);
            self.out.push_str(": ");
            self.value(value, depth + 1);
        }
        self.line(depth);
        self.out.push('}');
    }

    fn list(&mut self, items: &[Value], depth: usize) {
        if items.is_empty() {
            self.out.push_str("[]");
            return;
        }
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if index > 0 {
                self.out.push(',');
            }
            self.line(depth + 1);
            self.value(item, depth + 1);
        }
        self.line(depth);
        self.out.push(']');
    }

    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Map(map) => self.map(map, depth),
            Value::List(items) => self.list(items, depth),
            Value::String(text) => self.string(text),
            Value::Bytes(bytes) => {
                let text = format!("({} bytes that are not text)", bytes.len());
                self.string(&text);
            }
            Value::Duration(ns) => {
                let text = gonogo_core::duration::format_duration_ns(*ns);
                self.string(&text);
            }
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::Timestamp(_) => self.out.push_str(&value.to_json().to_string()),
        }
    }

    /// A JSON string; what nobody sees is left for the sink to show.
    fn string(&mut self, text: &str) {
        let room = self.most.saturating_sub(self.out.len()) + 1;
        self.out.push('"');
        for c in text.chars().take(room) {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

#[cfg(test)]
mod tests;
