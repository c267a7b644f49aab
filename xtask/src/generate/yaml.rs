//! YAML that this repository itself wrote, as a JSON value: scalars are texts, later keys win.

use anyhow::{Context as _, Result};
use granit_parser::{Event, Parser};
use serde_json::{Map, Value as Json};

enum Open {
    List(Vec<Json>),
    Map(Map<String, Json>, Option<String>),
}

/// Reads one document.
pub(super) fn read(text: &str) -> Result<Json> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = Json::Null;
    for event in Parser::new_from_str(text) {
        let (event, _) = event?;
        let value = match event {
            Event::Scalar(text, ..) => Json::String(text.into_owned()),
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                match open.pop().context("nothing is open")? {
                    Open::List(items) => Json::Array(items),
                    Open::Map(entries, _) => Json::Object(entries),
                }
            }
            // Gates, checks and faults are written out; what else an anchor stands for is on no page.
            Event::Alias(_) => Json::Null,
            _ => continue,
        };
        match open.last_mut() {
            None => root = value,
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(entries, key)) => match key.take() {
                Some(key) => {
                    entries.insert(key, value);
                }
                None => *key = value.as_str().map(str::to_owned),
            },
        }
    }
    Ok(root)
}
