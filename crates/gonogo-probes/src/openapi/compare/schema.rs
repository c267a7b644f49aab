//! What changed between two schemas, and to which side: a request that is asked for more, or an answer that promises
//! less, breaks those who keep to what was documented.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::openapi::schemas::{Direction, Schemas, number};

/// Pairs of schemas that are compared at most, within one operation's part and in all.
const MAX_PAIRS: usize = 200_000;
/// How deep schemas are followed.
const MAX_DEPTH: usize = 60;
/// Changes that are told of one part.
const MAX_TOLD: usize = 50;

/// Place within the schema, what changed, whether it breaks.
pub(super) type Found = (String, String, bool);

/// How far the comparison has come.
#[derive(Default)]
pub(super) struct Comparison {
    /// Why it is not whole.
    pub(super) partial: Option<String>,
    pairs: usize,
}

/// To which side a schema changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// It takes less than before.
    Narrower,
    /// It takes more than before.
    Wider,
    /// It cannot be said.
    Other,
}

impl Side {
    fn breaks(self, direction: Direction) -> bool {
        match self {
            Self::Narrower => direction == Direction::Request,
            Self::Wider => direction == Direction::Answer,
            Self::Other => true,
        }
    }
}

impl Comparison {
    /// Compares two schemas.
    pub(super) fn schemas(
        &mut self,
        sides: (&Schemas<'_>, &Schemas<'_>),
        pair: (&Json, &Json),
        direction: Direction,
        found: &mut Vec<Found>,
    ) {
        let mut walk = Walk {
            before: sides.0,
            after: sides.1,
            direction,
            met: BTreeSet::new(),
            found,
            comparison: self,
        };
        walk.pair("", pair.0, pair.1, 0);
    }
}

struct Walk<'w> {
    before: &'w Schemas<'w>,
    after: &'w Schemas<'w>,
    direction: Direction,
    /// Pairs of references that were compared already.
    met: BTreeSet<(usize, usize)>,
    found: &'w mut Vec<Found>,
    comparison: &'w mut Comparison,
}

/// A value that is compared as it stands where it is none of those below.
const BOUNDS: [(&str, bool); 12] = [
    // The name, and whether a larger figure takes less.
    ("minimum", true),
    ("exclusiveMinimum", true),
    ("minLength", true),
    ("minItems", true),
    ("minProperties", true),
    ("minContains", true),
    ("maximum", false),
    ("exclusiveMaximum", false),
    ("maxLength", false),
    ("maxItems", false),
    ("maxProperties", false),
    ("maxContains", false),
];

impl Walk<'_> {
    fn say(&mut self, place: &str, what: impl Into<String>, side: Side) {
        if self.found.len() >= MAX_TOLD {
            let why = format!("more than {MAX_TOLD} changes in one part; the first are told");
            self.comparison.partial.get_or_insert(why);
            return;
        }
        let breaks = side.breaks(self.direction);
        self.found.push((place.to_owned(), what.into(), breaks));
    }

    fn pair(&mut self, place: &str, old: &Json, new: &Json, depth: usize) {
        // What was met is copied for each choice, so it costs too.
        self.comparison.pairs += 1 + self.met.len() / 64;
        if self.comparison.pairs > MAX_PAIRS || depth > MAX_DEPTH {
            let why = format!(
                "more than {MAX_PAIRS} pairs of schemas, or deeper than {MAX_DEPTH} levels"
            );
            self.comparison.partial.get_or_insert(why);
            return;
        }
        let numbers = (only_number(old), only_number(new));
        if let (Some(old), Some(new)) = numbers
            && !self.met.insert((old, new))
        {
            return;
        }
        if numbers != (None, None) {
            let followed = |schemas: &Schemas<'_>, at: Option<usize>, node: &Json| match at {
                Some(number) => {
                    let (schema, wrong) = schemas.entry(number);
                    (schema.clone(), wrong.map(str::to_owned))
                }
                None => (node.clone(), None),
            };
            let (old, old_wrong) = followed(self.before, numbers.0, old);
            let (new, new_wrong) = followed(self.after, numbers.1, new);
            if old_wrong != new_wrong {
                let why = new_wrong.or(old_wrong).unwrap_or_default();
                self.say(place, format!("cannot be told: {why}"), Side::Other);
            }
            return self.pair(place, &old, &new, depth + 1);
        }
        match (old, new) {
            (Json::Object(_), Json::Object(_)) => self.keywords(place, old, new, depth),
            _ if truth(old) == truth(new) => {}
            // `true` and an empty mapping take everything, `false` nothing.
            _ if truth(new) == Some(true) || truth(old) == Some(false) => {
                self.say(place, "takes more than before", Side::Wider);
            }
            _ if truth(old) == Some(true) || truth(new) == Some(false) => {
                self.say(place, "takes less than before", Side::Narrower);
            }
            _ => self.say(place, "changed", Side::Other),
        }
    }

    fn keywords(&mut self, place: &str, old: &Json, new: &Json, depth: usize) {
        self.types(place, old, new);
        self.enumeration(place, old, new);
        for (keyword, larger_is_less) in BOUNDS {
            self.bound(place, keyword, larger_is_less, old, new);
        }
        self.required(place, old, new);
        self.properties(place, old, new, depth);
        self.additional(place, old, new, depth);
        for keyword in ["items", "contains", "propertyNames"] {
            match (old.get(keyword), new.get(keyword)) {
                (Some(a), Some(b)) => self.pair(&format!("{place}/{keyword}"), a, b, depth + 1),
                (None, Some(b)) if truth(b) != Some(true) => {
                    self.say(place, format!("`{keyword}` is new"), Side::Narrower);
                }
                (Some(a), None) if truth(a) != Some(true) => {
                    self.say(place, format!("`{keyword}` is gone"), Side::Wider);
                }
                _ => {}
            }
        }
        for keyword in ["allOf", "anyOf", "oneOf", "prefixItems"] {
            self.list(place, keyword, old, new, depth);
        }
        for keyword in [
            "pattern",
            "format",
            "uniqueItems",
            "multipleOf",
            "const",
            "$ref",
            "$id",
            "$dynamicRef",
            "$recursiveRef",
            "dependentRequired",
        ] {
            self.said_otherwise(place, keyword, old, new, depth);
        }
        for keyword in [
            "not",
            "if",
            "then",
            "else",
            "patternProperties",
            "dependentSchemas",
            "unevaluatedItems",
            "unevaluatedProperties",
        ] {
            // Compared as they stand: to which side they change cannot be said.
            if !self.same(old.get(keyword), new.get(keyword), depth) {
                self.say(place, format!("`{keyword}` changed"), Side::Other);
            }
        }
    }

    /// Whether nothing changes between two schemas, or there is none on both sides.
    fn same(&mut self, old: Option<&Json>, new: Option<&Json>, depth: usize) -> bool {
        let (old, new) = match (old, new) {
            (None, None) => return true,
            (Some(old), Some(new)) => (old, new),
            _ => return false,
        };
        let mut found = Vec::new();
        let mut walk = Walk {
            before: self.before,
            after: self.after,
            direction: self.direction,
            met: self.met.clone(),
            found: &mut found,
            comparison: self.comparison,
        };
        match (old, new) {
            (Json::Object(a), Json::Object(b))
                if is_map_of_schemas(old) && is_map_of_schemas(new) =>
            {
                let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                keys.into_iter()
                    .all(|k| walk.same(a.get(k), b.get(k), depth + 1))
            }
            _ => {
                walk.pair("", old, new, depth + 1);
                found.is_empty()
            }
        }
    }

    fn types(&mut self, place: &str, old: &Json, new: &Json) {
        let (was, is) = (types(old), types(new));
        if was == is {
            return;
        }
        let told = |types: &Option<BTreeSet<&'static str>>| match types {
            None => "anything".to_owned(),
            Some(types) => types.iter().copied().collect::<Vec<_>>().join(" or "),
        };
        let what = format!("the type was {}, and is {}", told(&was), told(&is));
        let takes = |one: &Option<BTreeSet<_>>, other: &Option<BTreeSet<_>>| match (one, other) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(one), Some(other)) => other.is_subset(one),
        };
        let side = match (takes(&is, &was), takes(&was, &is)) {
            (true, _) => Side::Wider,
            (_, true) => Side::Narrower,
            _ => Side::Other,
        };
        self.say(place, what, side);
    }

    fn enumeration(&mut self, place: &str, old: &Json, new: &Json) {
        let values = |schema: &Json| -> Option<BTreeSet<String>> {
            let values = schema.get("enum")?.as_array()?;
            Some(values.iter().map(Json::to_string).collect())
        };
        let (was, is) = match (values(old), values(new)) {
            (None, None) => return,
            (Some(_), None) => return self.say(place, "`enum` is gone", Side::Wider),
            (None, Some(_)) => return self.say(place, "`enum` is new", Side::Narrower),
            (Some(was), Some(is)) => (was, is),
        };
        for gone in was.difference(&is).take(MAX_TOLD) {
            self.say(
                place,
                format!("the value {gone} of `enum` is gone"),
                Side::Narrower,
            );
        }
        for new in is.difference(&was).take(MAX_TOLD) {
            self.say(
                place,
                format!("the value {new} of `enum` is new"),
                Side::Wider,
            );
        }
    }

    fn bound(&mut self, place: &str, keyword: &str, larger_is_less: bool, old: &Json, new: &Json) {
        let value = |schema: &Json| schema.get(keyword).and_then(Json::as_f64);
        let (what, side) = match (value(old), value(new)) {
            (None, None) => return,
            (None, Some(now)) => (format!("`{keyword}` is {now} now"), Side::Narrower),
            (Some(was), None) => (format!("`{keyword}` of {was} is gone"), Side::Wider),
            (Some(was), Some(now)) => {
                if was.to_bits() == now.to_bits() {
                    return;
                }
                let is_less = (now > was) == larger_is_less;
                let side = if is_less { Side::Narrower } else { Side::Wider };
                (format!("`{keyword}` was {was}, and is {now}"), side)
            }
        };
        self.say(place, what, side);
    }

    fn required(&mut self, place: &str, old: &Json, new: &Json) {
        let names = |schema: &Json| -> BTreeSet<String> {
            let names = schema.get("required").and_then(Json::as_array);
            let names = names.into_iter().flatten().filter_map(Json::as_str);
            names.map(str::to_owned).collect()
        };
        let (was, is) = (names(old), names(new));
        for name in is.difference(&was).take(MAX_TOLD) {
            self.say(
                &format!("{place}/{name}"),
                "is required now",
                Side::Narrower,
            );
        }
        for name in was.difference(&is).take(MAX_TOLD) {
            self.say(
                &format!("{place}/{name}"),
                "is not required any more",
                Side::Wider,
            );
        }
    }

    fn properties(&mut self, place: &str, old: &Json, new: &Json, depth: usize) {
        let empty = serde_json::Map::new();
        let properties =
            |schema: &Json| schema.get("properties").and_then(Json::as_object).cloned();
        let was = properties(old).unwrap_or_else(|| empty.clone());
        let is = properties(new).unwrap_or(empty);
        for (name, old_property) in &was {
            let place = format!("{place}/{name}");
            if let Some(new_property) = is.get(name) {
                self.pair(&place, old_property, new_property, depth + 1);
                continue;
            }
            // Who sent it is refused where no others are taken; who read it misses it.
            let is_refused = new.get("additionalProperties") == Some(&Json::Bool(false));
            let breaks = is_refused || self.direction == Direction::Answer;
            let side = if breaks { Side::Other } else { Side::Wider };
            self.say(&place, "is gone", side);
        }
        for name in is.keys().filter(|name| !was.contains_key(*name)) {
            // That it is required is told by `required`.
            let side = match self.direction {
                Direction::Request => Side::Wider,
                Direction::Answer => Side::Narrower,
            };
            self.say(&format!("{place}/{name}"), "is new", side);
        }
    }

    fn additional(&mut self, place: &str, old: &Json, new: &Json, depth: usize) {
        let all = Json::Bool(true);
        let of = |schema: &Json| schema.get("additionalProperties").cloned();
        let (was, is) = (of(old).unwrap_or(all.clone()), of(new).unwrap_or(all));
        self.pair(&format!("{place}/*"), &was, &is, depth + 1);
    }

    /// Lists of schemas. Those that are the same on both sides go; what is left is compared where one is left of each.
    fn list(&mut self, place: &str, keyword: &str, old: &Json, new: &Json, depth: usize) {
        let items = |schema: &Json| schema.get(keyword).and_then(Json::as_array).cloned();
        let (was, is) = (
            items(old).unwrap_or_default(),
            items(new).unwrap_or_default(),
        );
        if was.is_empty() && is.is_empty() {
            return;
        }
        if matches!(keyword, "allOf" | "prefixItems") && was.len() == is.len() {
            for (number, (a, b)) in was.iter().zip(&is).enumerate() {
                self.pair(&format!("{place}/{keyword}/{number}"), a, b, depth + 1);
            }
            return;
        }
        let mut left: Vec<&Json> = is.iter().collect();
        let mut gone: Vec<&Json> = Vec::new();
        for a in &was {
            let found = left
                .iter()
                .position(|b| self.same(Some(a), Some(b), depth + 1));
            match found {
                Some(at) => drop(left.remove(at)),
                None => gone.push(a),
            }
        }
        let is_choice = matches!(keyword, "anyOf" | "oneOf");
        match (&gone[..], &left[..]) {
            ([], []) => {}
            ([a], [b]) if is_choice => self.pair(&format!("{place}/{keyword}"), a, b, depth + 1),
            ([], more) if is_choice && !was.is_empty() => {
                self.say(
                    place,
                    format!("`{keyword}` has {} more", more.len()),
                    Side::Wider,
                );
            }
            (less, []) if is_choice && !is.is_empty() => {
                self.say(
                    place,
                    format!("`{keyword}` has {} fewer", less.len()),
                    Side::Narrower,
                );
            }
            ([], _) => self.say(place, format!("`{keyword}` asks for more"), Side::Narrower),
            (_, []) => self.say(place, format!("`{keyword}` asks for less"), Side::Wider),
            _ => self.say(place, format!("`{keyword}` changed"), Side::Other),
        }
    }

    fn said_otherwise(&mut self, place: &str, keyword: &str, old: &Json, new: &Json, depth: usize) {
        let (was, is) = (old.get(keyword), new.get(keyword));
        if keyword == "$ref" {
            // Beside other keywords; alone it was followed above.
            match (number(old), number(new)) {
                (None, None) => {}
                (Some(a), Some(b)) if self.met.insert((a, b)) => {
                    let (a, b) = (self.before.entry(a).0, self.after.entry(b).0);
                    let (a, b) = (a.clone(), b.clone());
                    self.pair(place, &a, &b, depth + 1);
                }
                (Some(_), Some(_)) => {}
                (None, Some(_)) => self.say(place, "refers to a further schema", Side::Narrower),
                (Some(_), None) => self.say(place, "refers to a schema no more", Side::Wider),
            }
            return;
        }
        let is_off = |v: Option<&Json>| v.is_none() || v == Some(&Json::Bool(false));
        match (was, is) {
            _ if was == is => {}
            _ if is_off(was) && is_off(is) => {}
            (_, Some(now)) if is_off(was) => {
                self.say(place, format!("`{keyword}` is {now} now"), Side::Narrower);
            }
            (Some(was), _) if is_off(is) => {
                self.say(place, format!("`{keyword}` of {was} is gone"), Side::Wider);
            }
            (Some(was), Some(now)) => {
                self.say(
                    place,
                    format!("`{keyword}` was {was}, and is {now}"),
                    Side::Other,
                );
            }
            _ => {}
        }
    }
}

/// The number of a schema that is a reference and nothing else.
fn only_number(schema: &Json) -> Option<usize> {
    let members = schema.as_object()?;
    (members.len() == 1).then(|| number(schema)).flatten()
}

/// Whether a schema takes everything or nothing.
fn truth(schema: &Json) -> Option<bool> {
    match schema {
        Json::Bool(all) => Some(*all),
        Json::Object(members) if members.is_empty() => Some(true),
        _ => None,
    }
}

/// The types that a schema takes; `None` where it says nothing of them. A number takes whole numbers too.
fn types(schema: &Json) -> Option<BTreeSet<&'static str>> {
    const ALL: [&str; 7] = [
        "array", "boolean", "integer", "null", "number", "object", "string",
    ];
    let named = match schema.get("type")? {
        Json::String(one) => vec![one.as_str()],
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
        _ => return None,
    };
    let mut found: BTreeSet<&'static str> = ALL.into_iter().filter(|t| named.contains(t)).collect();
    if found.contains("number") {
        found.insert("integer");
    }
    Some(found)
}

/// Whether a mapping is one from names to schemas, as `patternProperties` is.
fn is_map_of_schemas(value: &Json) -> bool {
    value.as_object().is_some_and(|members| {
        members.values().all(|v| v.is_object() || v.is_boolean())
            && !members.contains_key("type")
            && !members.contains_key("$ref")
    })
}
