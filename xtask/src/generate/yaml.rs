//! YAML that this repository itself wrote, as a JSON value: scalars are texts, an alias is what it names. What would be
//! read otherwise elsewhere – a key twice, `<<`, two documents – is refused, so that nothing is invisible to coverage.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use granit_parser::{Event, Parser};
use serde_json::{Map, Value as Json};

enum Open {
    List(Vec<Json>),
    Map(Map<String, Json>, Option<String>),
}

/// Reads one document.
pub(super) fn read(text: &str) -> Result<Json> {
    let mut open: Vec<(Open, usize)> = Vec::new();
    // What has an anchor, by its number; none is 0.
    let mut anchors: BTreeMap<usize, Json> = BTreeMap::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, _) = event?;
        let (value, anchor) = match event {
            Event::Scalar(text, _, anchor, _) => (Json::String(text.into_owned()), anchor),
            Event::SequenceStart(_, anchor, _) => {
                open.push((Open::List(Vec::new()), anchor));
                continue;
            }
            Event::MappingStart(_, anchor, _) => {
                open.push((Open::Map(Map::new(), None), anchor));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                match open.pop().context("nothing is open")? {
                    (Open::List(items), anchor) => (Json::Array(items), anchor),
                    (Open::Map(entries, _), anchor) => (Json::Object(entries), anchor),
                }
            }
            Event::Alias(anchor) => {
                let named = anchors.get(&anchor).cloned();
                (
                    named.context("an alias within what it names has no end")?,
                    0,
                )
            }
            Event::UnresolvedAlias(..) => bail!("an alias of what is not there"),
            _ => continue,
        };
        if anchor != 0 {
            anchors.insert(anchor, value.clone());
        }
        match open.last_mut() {
            None if root.is_some() => bail!("one document was expected"),
            None => root = Some(value),
            Some((Open::List(items), _)) => items.push(value),
            Some((Open::Map(entries, key), _)) => add(entries, key, value)?,
        }
    }
    Ok(root.unwrap_or(Json::Null))
}

fn add(entries: &mut Map<String, Json>, key: &mut Option<String>, value: Json) -> Result<()> {
    let Some(name) = key.take() else {
        let name = value.as_str().context("a key is a text")?;
        if name == "<<" {
            bail!("`<<` is not read here: write out what it brings");
        }
        *key = Some(name.to_owned());
        return Ok(());
    };
    if entries.insert(name.clone(), value).is_some() {
        bail!("`{name}` is there twice");
    }
    Ok(())
}
