//! What is recorded of a revision.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use gonogo_core::record::{Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};
use serde_json::Value as Json;

use super::reading::{Changed, Commit, Span};
use crate::probe::Seen;

/// The most paths of a list that are kept.
const MOST_PATHS: usize = 2_000;
/// The most rows of a table for a person.
const MOST_SHOWN: usize = 50;

/// What was found.
pub(super) struct Found {
    pub(super) commit: Commit,
    pub(super) is_checked_out: bool,
    pub(super) tags: Vec<String>,
    pub(super) branches: Vec<String>,
    pub(super) branch: Option<String>,
    pub(super) is_shallow: bool,
    pub(super) tree: Option<Tree>,
    pub(super) files: BTreeMap<String, FileSeen>,
    pub(super) since: Option<Since>,
}

/// What is not as it is in the commit that is checked out.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) dirty: Vec<String>,
    pub(super) untracked: Vec<String>,
}

/// A file at the revision.
#[derive(Default)]
pub(super) struct FileSeen {
    pub(super) exists: bool,
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<String>,
    pub(super) contains: Option<bool>,
    pub(super) matches: Option<bool>,
    pub(super) lacks: Vec<String>,
}

/// What lies between the revision and an earlier one.
pub(super) struct Since {
    pub(super) commit: String,
    pub(super) span: Span,
    pub(super) changed: Vec<Changed>,
}

fn fields_of_a_commit() -> Vec<(&'static str, Type, &'static str)> {
    vec![
        ("commit", Type::String, "the commit, whole"),
        (
            "short",
            Type::String,
            "its first seven digits, more where those are not its own",
        ),
        ("subject", Type::String, "the first line of its message"),
        ("author", Type::String, "who wrote it, by name"),
        ("time", Type::Timestamp, "when it was committed"),
    ]
}

fn strings() -> Type {
    Type::list(Type::String)
}

fn structure(fields: Vec<(&'static str, Type, &'static str)>) -> Type {
    let fields = fields.into_iter();
    Type::Struct(
        fields
            .map(|(n, t, d)| (n.to_owned(), Field::new(t, d)))
            .collect(),
    )
}

/// A list of commits.
pub(crate) fn type_of_commits() -> Type {
    Type::list(structure(fields_of_a_commit()))
}

/// A list of files and what became of them.
pub(crate) fn changed_type() -> Type {
    Type::list(structure(vec![
        ("path", Type::String, "the file, below the repository"),
        (
            "status",
            Type::String,
            "`added`, `changed`, `removed`, `retyped`",
        ),
    ]))
}

/// The facts.
pub(super) fn shape(options: &Json) -> Shape {
    let mut fields: Vec<(String, Field)> = Vec::new();
    let mut add = |name: &str, field: Field| fields.push((name.to_owned(), field));
    for (name, ty, doc) in fields_of_a_commit() {
        add(name, Field::new(ty, doc));
    }
    add("age", Field::new(Type::Duration, "how long ago that was"));
    add(
        "tags",
        Field::new(strings(), "the tags at it, annotated or not"),
    );
    add(
        "branches",
        Field::new(
            strings(),
            "the branches that contain it, such as `main` and `origin/main`",
        ),
    );
    add(
        "branch",
        Field::optional(
            Type::String,
            "the branch that is checked out; absent where it is a commit by itself",
        ),
    );
    add(
        "checked_out",
        Field::new(Type::Bool, "whether it is the commit that is checked out"),
    );
    add(
        "shallow",
        Field::new(
            Type::Bool,
            "whether the clone ends before the first commit; it may then lack tags too",
        ),
    );
    add(
        "dirty",
        Field::optional(
            strings(),
            "files that git knows and that are not as the commit that is checked out has them, staged or not; absent of a bare repository",
        ),
    );
    add(
        "untracked",
        Field::optional(strings(), "files that git neither knows nor ignores"),
    );
    let has = |key: &str| options.get(key).is_some();
    if has("files") {
        let file = Type::Struct(
            [
                (
                    "exists",
                    Field::new(Type::Bool, "whether it is there at the revision"),
                ),
                (
                    "size",
                    Field::optional(
                        Type::Int,
                        "its size in bytes; absent of a folder and a link",
                    ),
                ),
                ("sha256", Field::optional(Type::String, "its SHA-256")),
                (
                    "contains",
                    Field::optional(Type::Bool, "whether each text of `contains:` stands in it"),
                ),
                (
                    "matches",
                    Field::optional(
                        Type::Bool,
                        "whether each expression of `matches:` is found in it",
                    ),
                ),
                (
                    "lacks",
                    Field::optional(
                        strings(),
                        "the texts and expressions that are not found in it",
                    ),
                ),
            ]
            .into_iter()
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
        );
        add(
            "files",
            Field::new(Type::map(file), "the files that are asked for, by path"),
        );
    }
    if has("since") {
        add("since", Field::new(Type::String, "the commit of `since`"));
        add(
            "changed",
            Field::new(changed_type(), "files that differ between the two"),
        );
        add(
            "commits",
            Field::new(
                type_of_commits(),
                "the commits that came after `since`, newest first",
            ),
        );
        add(
            "ahead",
            Field::new(Type::Int, "how many commits came after `since`"),
        );
        add(
            "behind",
            Field::new(
                Type::Int,
                "how many commits `since` has that the revision lacks: 0 where nothing that runs now is lost",
            ),
        );
    }
    Shape { fields }
}

/// Facts and tables.
pub(super) fn seen(found: &Found, now: DateTime<Utc>) -> Seen {
    let mut seen = Seen {
        facts: of_commit(&found.commit),
        ..Seen::default()
    };
    let age = now - found.commit.time;
    let age = age.num_nanoseconds().unwrap_or(i64::MAX);
    let mut fact = |name: &str, value: Value| drop(seen.facts.insert(name.to_owned(), value));
    fact("age", Value::Duration(age));
    fact("checked_out", found.is_checked_out.into());
    fact("shallow", found.is_shallow.into());
    if let Some(branch) = &found.branch {
        fact("branch", branch.as_str().into());
    }
    let mut lists: Vec<(&str, &[String])> =
        vec![("tags", &found.tags), ("branches", &found.branches)];
    if let Some(tree) = &found.tree {
        lists.extend([
            ("dirty", &tree.dirty[..]),
            ("untracked", &tree.untracked[..]),
        ]);
    }
    if !found.files.is_empty() {
        let files = found.files.iter();
        fact(
            "files",
            files
                .map(|(path, file)| (path.clone(), of_file(file)))
                .collect::<Map>()
                .into(),
        );
    }
    for (name, list) in lists {
        let kept = list
            .iter()
            .take(MOST_PATHS)
            .map(|one| one.as_str().into())
            .collect();
        insert(&mut seen, name, kept, list.len());
    }
    if let Some(since) = &found.since {
        back(since, &mut seen);
    }
    seen
}

fn back(since: &Since, seen: &mut Seen) {
    let changed = since
        .changed
        .iter()
        .take(MOST_PATHS)
        .map(of_changed)
        .collect();
    insert(seen, "changed", changed, since.changed.len());
    let commits = since.span.commits.iter();
    let commits = commits.map(|commit| of_commit(commit).into()).collect();
    insert(seen, "commits", commits, since.span.ahead);
    for (name, value) in [
        ("since", Value::from(since.commit.as_str())),
        ("ahead", since.span.ahead.into()),
        ("behind", since.span.behind.into()),
    ] {
        seen.facts.insert(name.to_owned(), value);
    }
    let rows = |commit: &Commit| {
        let day = commit.time.format("%Y-%m-%d").to_string();
        vec![
            commit.short.clone(),
            day,
            commit.author.clone(),
            commit.subject.clone(),
        ]
    };
    seen.shown.extend(table(
        "Commits since the earlier revision",
        &["commit", "date", "author", "subject"],
        since.span.commits.iter().map(rows),
        since.span.ahead,
    ));
    seen.shown.extend(files_table(
        "Files changed since the earlier revision",
        &since.changed,
    ));
}

/// A list as a fact; where not all of it is kept, what is expected of it is an error.
fn insert(seen: &mut Seen, name: &str, kept: Vec<Value>, all: usize) {
    if kept.len() < all {
        seen.cut.push(Cut {
            fact: name.to_owned(),
            why: format!("there are {all}; the first {} were kept", kept.len()),
        });
    }
    seen.facts.insert(name.to_owned(), kept.into());
}

/// Files and what became of them, for a person.
pub(crate) fn files_table(title: &str, changed: &[Changed]) -> Option<Shown> {
    let row = |one: &Changed| vec![one.status.to_owned(), one.path.clone()];
    table(
        title,
        &["status", "file"],
        changed.iter().map(row),
        changed.len(),
    )
}

fn table(
    title: &str,
    head: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    all: usize,
) -> Option<Shown> {
    let title = if all > MOST_SHOWN {
        format!("{title}: the first {MOST_SHOWN} of {all}")
    } else {
        title.to_owned()
    };
    (all > 0).then(|| Shown::Table {
        title,
        head: head.iter().map(|&name| name.to_owned()).collect(),
        rows: rows.take(MOST_SHOWN).collect(),
    })
}

/// A changed file as a value.
pub(crate) fn of_changed(changed: &Changed) -> Value {
    Value::Map(Map::from([
        ("path".to_owned(), changed.path.as_str().into()),
        ("status".to_owned(), changed.status.into()),
    ]))
}

/// A commit as a value.
pub(crate) fn of_commit(commit: &Commit) -> Map {
    Map::from([
        ("commit".to_owned(), commit.commit.as_str().into()),
        ("short".to_owned(), commit.short.as_str().into()),
        ("subject".to_owned(), commit.subject.as_str().into()),
        ("author".to_owned(), commit.author.as_str().into()),
        ("time".to_owned(), commit.time.into()),
    ])
}

fn of_file(file: &FileSeen) -> Value {
    let mut map = Map::from([("exists".to_owned(), file.exists.into())]);
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(name.to_owned(), value);
        }
    };
    put("size", file.size.map(Value::from));
    put("sha256", file.sha256.as_deref().map(Value::from));
    put("contains", file.contains.map(Value::from));
    put("matches", file.matches.map(Value::from));
    let lacks: Vec<Value> = file.lacks.iter().map(|text| text.as_str().into()).collect();
    put(
        "lacks",
        (file.contains.is_some() || file.matches.is_some()).then(|| lacks.into()),
    );
    Value::Map(map)
}
