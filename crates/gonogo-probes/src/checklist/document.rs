//! A checklist in YAML: a list of items, or of rows.

use super::read::{Parts, Problem, Read, Row, is_blank, same};
use super::syntax::ChecklistOptions;
use crate::yaml::{self, Kind, Node};

/// The keys of an item.
const KEYS: [&str; 5] = ["item", "state", "owner", "evidence", "left_to_do"];

/// Reads the list: the document itself, or what stands under `items` or `rows`.
pub(super) fn read(options: &ChecklistOptions, text: &str) -> Result<Read, Problem> {
    let root = yaml::read(text).map_err(|wrong| Problem {
        line: wrong.line,
        message: wrong.message,
    })?;
    let is_table = !options.columns.0.is_empty();
    let under = if is_table { "rows" } else { "items" };
    let mut out = Read::default();
    let listed = match &root.kind {
        Kind::Null => return Ok(out),
        Kind::List(_) => &root,
        Kind::Map(members) => {
            for (key, node) in members.iter().filter(|(key, _)| key != under) {
                out.problem(
                    node.line,
                    format!("`{key}` is unknown here; the list stands under `{under}`"),
                );
            }
            match root.get(under) {
                Some(node) => node,
                None => return Ok(out),
            }
        }
        Kind::Text(_) => {
            let message = "here stands a text, where a list of items is due".to_owned();
            return Err(Problem {
                line: root.line,
                message,
            });
        }
    };
    if listed.kind == Kind::Null {
        return Ok(out);
    }
    let Some(items) = listed.list() else {
        let message = format!("here stands {}, where a list is due", listed.what());
        return Err(Problem {
            line: listed.line,
            message,
        });
    };
    for node in items {
        let Some(members) = node.map() else {
            out.problem(
                node.line,
                format!("an entry is {}, not a mapping", node.what()),
            );
            continue;
        };
        if is_table {
            row(&options.columns.0, members, node.line, &mut out);
        } else {
            item(members, node.line, &mut out);
        }
    }
    Ok(out)
}

fn item(members: &[(String, Node)], line: usize, out: &mut Read) {
    let mut values: [Option<String>; 5] = Default::default();
    let mut is_whole = true;
    for (key, node) in members {
        let Some(at) = KEYS.iter().position(|known| known == key) else {
            out.problem(
                node.line,
                format!("`{key}` is none of: {}", KEYS.join(", ")),
            );
            is_whole = false;
            continue;
        };
        match &node.kind {
            Kind::Text(text) => values[at] = Some(text.clone()),
            Kind::Null => {}
            _ => {
                out.problem(node.line, format!("`{key}` is {}, not a text", node.what()));
                is_whole = false;
            }
        }
    }
    let [name, state, owner, evidence, left_to_do] = values;
    if is_whole {
        let parts = Parts {
            owner,
            evidence,
            left_to_do,
        };
        out.item(
            line,
            &name.unwrap_or_default(),
            &state.unwrap_or_default(),
            parts,
        );
    }
}

fn row(columns: &[String], members: &[(String, Node)], line: usize, out: &mut Read) {
    let mut cells = Vec::with_capacity(columns.len());
    for column in columns {
        let member = members.iter().find(|(key, _)| same(key, column));
        let text = member.and_then(|(_, node)| node.text());
        if let Some((key, node)) =
            member.filter(|(_, node)| node.list().is_some() || node.map().is_some())
        {
            out.problem(node.line, format!("`{key}` is {}, not a text", node.what()));
        }
        cells.push(
            text.filter(|text| !is_blank(text))
                .map(|text| text.trim().to_owned()),
        );
    }
    out.row(Row { cells, line });
}
