//! Masks secrets in values: in every text, every key and every number, and says where each stood.

use std::borrow::Cow;

use super::{Hit, Redactor};
use crate::record::{SecretSeen, Shown};
use crate::shapes::Scanner;
use crate::value::{Map, Value};

impl Redactor {
    /// Masks every secret in a value. `location` is the name of the value (`body`, or nothing for the root); where each
    /// secret stood is added to `seen`, once for each name and place.
    pub fn redact_value(&self, value: &mut Value, location: &str, seen: &mut Vec<SecretSeen>) {
        if self.is_empty() {
            return;
        }
        match value {
            Value::String(text) => self.redact_in_place(text, location, seen),
            Value::Bytes(bytes) => {
                let (masked, hits) = self.redact_bytes(bytes);
                note(&hits, location, seen);
                if let Cow::Owned(masked) = masked {
                    *bytes = masked;
                }
            }
            Value::Int(_) | Value::Uint(_) | Value::Double(_) => {
                self.redact_number(value, location, seen);
            }
            Value::List(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.redact_value(item, &format!("{location}[{at}]"), seen);
                }
            }
            Value::Map(map) => self.redact_map(map, location, seen),
            Value::Null | Value::Bool(_) | Value::Duration(_) | Value::Timestamp(_) => {}
        }
    }

    /// Masks every secret in a map, its keys included. Keys that become equal are told apart by a number.
    pub fn redact_map(&self, map: &mut Map, location: &str, seen: &mut Vec<SecretSeen>) {
        if self.is_empty() {
            return;
        }
        let mut renamed = Vec::new();
        for (key, value) in map.iter_mut() {
            let (masked, hits) = self.redact_text(key);
            let place = member(location, &masked);
            note(&hits, &place, seen);
            if let Cow::Owned(masked) = masked {
                renamed.push((key.clone(), masked));
            }
            self.redact_value(value, &place, seen);
        }
        for (key, masked) in renamed {
            let mut free = masked.clone();
            let mut count = 1;
            while map.contains_key(&free) {
                count += 1;
                free = format!("{masked} {count}");
            }
            if let Some(value) = map.remove(&key) {
                map.insert(free, value);
            }
        }
    }

    /// Makes known what in a map has a secret's shape beyond doubt, under the name of its rule: a token that a target
    /// gave, a password in a connection string. Gives the names; to be called before masking.
    pub fn register_shapes(&mut self, scanner: &Scanner, map: &Map) -> Vec<&'static str> {
        let mut found = Vec::new();
        shapes_in_map(scanner, map, &mut found);
        let mut names = Vec::new();
        for (name, text) in found {
            // A secret that is known already keeps its own name.
            if self.redact_str(&text) == text && self.register(name, &text).warning.is_none() {
                names.push(name);
            }
        }
        names
    }

    /// Masks every secret in what is shown to a person.
    pub fn redact_shown(&self, shown: &mut Shown) {
        let mut seen = Vec::new();
        match shown {
            Shown::Table { title, head, rows } => {
                self.redact_in_place(title, "", &mut seen);
                for cell in head.iter_mut().chain(rows.iter_mut().flatten()) {
                    self.redact_in_place(cell, "", &mut seen);
                }
            }
            Shown::Text { title, text } => {
                self.redact_in_place(title, "", &mut seen);
                self.redact_in_place(text, "", &mut seen);
            }
        }
    }

    fn redact_in_place(&self, text: &mut String, location: &str, seen: &mut Vec<SecretSeen>) {
        let (masked, hits) = self.redact_text(text);
        note(&hits, location, seen);
        if let Cow::Owned(masked) = masked {
            *text = masked;
        }
    }

    /// A number whose digits are a secret becomes the mask.
    fn redact_number(&self, value: &mut Value, location: &str, seen: &mut Vec<SecretSeen>) {
        let digits = value.to_string();
        let (masked, hits) = self.redact_text(&digits);
        note(&hits, location, seen);
        if let Cow::Owned(masked) = masked {
            *value = Value::String(masked);
        }
    }
}

fn shapes_in_map(scanner: &Scanner, map: &Map, found: &mut Vec<(&'static str, String)>) {
    for (key, value) in map {
        shapes_in(scanner, key.as_bytes(), found);
        shapes_in_value(scanner, value, found);
    }
}

fn shapes_in_value(scanner: &Scanner, value: &Value, found: &mut Vec<(&'static str, String)>) {
    match value {
        Value::String(text) => shapes_in(scanner, text.as_bytes(), found),
        Value::Bytes(bytes) => shapes_in(scanner, bytes, found),
        Value::List(items) => items
            .iter()
            .for_each(|item| shapes_in_value(scanner, item, found)),
        Value::Map(map) => shapes_in_map(scanner, map, found),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Duration(_)
        | Value::Timestamp(_) => {}
    }
}

fn shapes_in(scanner: &Scanner, bytes: &[u8], found: &mut Vec<(&'static str, String)>) {
    for span in scanner.certain(bytes) {
        if let Ok(text) = std::str::from_utf8(span.value) {
            found.push((span.rule, text.to_owned()));
        }
    }
}

fn note(hits: &[Hit], location: &str, seen: &mut Vec<SecretSeen>) {
    for hit in hits {
        let one = SecretSeen {
            name: hit.name.clone(),
            location: location.to_owned(),
        };
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
}

/// The place of a map's member, as an expression would name it.
fn member(location: &str, key: &str) -> String {
    let is_plain = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    match (location.is_empty(), is_plain) {
        (true, _) => key.to_owned(),
        (false, true) => format!("{location}.{key}"),
        (false, false) => format!("{location}[{key:?}]"),
    }
}
