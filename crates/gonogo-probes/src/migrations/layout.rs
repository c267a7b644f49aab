//! Which files of a folder are migrations, which two belong together, and by which tool's naming. Pure.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

/// Whose files they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// `20260101120000_name/migration.sql`, and `down.sql` beside it.
    Prisma,
    /// `V1__name.sql`, `U1__name.sql`, `R__name.sql`.
    Flyway,
    /// `20260101120000_name.up.sql` and `.down.sql`, or `20260101120000_name.sql`.
    Sqlx,
    /// `1_name.up.sql` and `1_name.down.sql`.
    GolangMigrate,
    /// `20260101120000_name.sql` with `-- migrate:up` and `-- migrate:down`.
    Dbmate,
    /// `00001_name.sql` with `-- +goose Up` and `-- +goose Down`.
    Goose,
    /// `2026-01-01-120000_name/up.sql` and `down.sql`.
    Diesel,
    /// Any other `.sql` file.
    Plain,
    /// `versions/1a2b3c_name.py`, with `upgrade()` and `downgrade()`.
    Alembic,
    /// `migrations/0001_name.py`, with `class Migration`.
    Django,
}

impl Tool {
    /// As it stands in plans and facts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Prisma => "prisma",
            Self::Flyway => "flyway",
            Self::Sqlx => "sqlx",
            Self::GolangMigrate => "golang-migrate",
            Self::Dbmate => "dbmate",
            Self::Goose => "goose",
            Self::Diesel => "diesel",
            Self::Plain => "plain",
            Self::Alembic => "alembic",
            Self::Django => "django",
        }
    }

    /// Whether its migrations are Python.
    pub(super) fn is_python(self) -> bool {
        matches!(self, Self::Alembic | Self::Django)
    }
}

/// One migration: its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its name: of the file without its ending, or of the folder.
    pub(super) name: String,
    /// By whose naming. Sections inside a file may still tell another.
    pub(super) tool: Tool,
    /// The way up.
    pub(super) up: String,
    /// The file of the way down, where there is one.
    pub(super) down: Option<String>,
    /// It may be changed at will, because it runs again when it changed.
    pub(super) repeatable: bool,
}

/// The migrations of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// In the order in which they run.
    pub(super) units: Vec<Unit>,
    /// Files that the tool does not run.
    pub(super) strange: Vec<String>,
}

/// What a file is to a migration.
enum Part {
    Up(Unit),
    /// The way down of the file or files at this path.
    Down(String),
    Strange,
    /// A file of the tool's own that is no migration.
    Beside,
}

/// Puts the files together. `forced` reads all of them by one tool's naming.
pub(super) fn layout(paths: &BTreeSet<String>, forced: Option<Tool>) -> Layout {
    let mut ups: BTreeMap<String, Unit> = BTreeMap::new();
    let mut downs: Vec<(String, String)> = Vec::new();
    let mut strange = Vec::new();
    for path in paths {
        match part(path, paths, forced) {
            Part::Up(unit) => drop(ups.insert(path.clone(), unit)),
            Part::Down(of) => downs.push((of, path.clone())),
            Part::Strange => strange.push(path.clone()),
            Part::Beside => {}
        }
    }
    for (of, path) in downs {
        match ups.get_mut(&of) {
            Some(unit) => unit.down = Some(path),
            None => strange.push(path),
        }
    }
    let mut units: Vec<Unit> = ups.into_values().collect();
    units.sort_by_cached_key(|unit| (unit.repeatable, version(&unit.name), unit.up.clone()));
    strange.sort();
    Layout { units, strange }
}

fn part(path: &str, paths: &BTreeSet<String>, forced: Option<Tool>) -> Part {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = folder.rsplit('/').next().unwrap_or("");
    let within = |name: &str| {
        if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        }
    };
    if let Some(stem) = file.strip_suffix(".py") {
        return python(path, (parent, stem), paths, forced);
    }
    let Some(stem) = file.strip_suffix(".sql") else {
        return Part::Strange;
    };
    let may = |tool: Tool| forced.is_none_or(|forced| forced == tool);
    let up = |tool: Tool, name: &str| {
        Part::Up(Unit {
            name: name.to_owned(),
            tool,
            up: path.to_owned(),
            down: None,
            repeatable: false,
        })
    };
    if may(Tool::Prisma) && file == "migration.sql" {
        return up(Tool::Prisma, parent);
    }
    let by_prisma = may(Tool::Prisma) && paths.contains(&within("migration.sql"));
    if by_prisma && file == "down.sql" {
        return Part::Down(within("migration.sql"));
    }
    if may(Tool::Diesel) && file == "up.sql" && digits(parent) > 0 {
        return up(Tool::Diesel, parent);
    }
    if may(Tool::Diesel) && file == "down.sql" && paths.contains(&within("up.sql")) {
        return Part::Down(within("up.sql"));
    }
    if may(Tool::Flyway)
        && let Some(part) = flyway(path, &within, stem, paths)
    {
        return part;
    }
    let paired = |tool: Tool| may(tool) && (forced.is_some() || paired_tool(stem) == tool);
    for tool in [Tool::Sqlx, Tool::GolangMigrate] {
        if let Some(name) = stem.strip_suffix(".up")
            && paired(tool)
        {
            return up(tool, name);
        }
        if let Some(name) = stem.strip_suffix(".down")
            && paired(tool)
        {
            return Part::Down(within(&format!("{name}.up.sql")));
        }
    }
    match forced {
        Some(Tool::Sqlx | Tool::Dbmate | Tool::Goose) if digits(stem) > 0 => {
            up(forced.unwrap_or(Tool::Plain), stem)
        }
        None | Some(Tool::Plain) => match ["_down", ".down", ".undo", "_rollback", ".rollback"]
            .iter()
            .find_map(|end| stem.strip_suffix(end))
        {
            Some(name) => Part::Down(within(&format!("{name}.sql"))),
            None => up(Tool::Plain, stem),
        },
        Some(_) => Part::Strange,
    }
}

/// Alembic's folder is called `versions`, Django's `migrations`; beside the former lies `env.py`, which makes the connection.
fn python(
    path: &str,
    (parent, stem): (&str, &str),
    paths: &BTreeSet<String>,
    forced: Option<Tool>,
) -> Part {
    let tool = match (forced, parent) {
        (Some(tool), _) if tool.is_python() => tool,
        (Some(_), _) => return Part::Strange,
        (None, "versions") => Tool::Alembic,
        (None, _) => Tool::Django,
    };
    let versions = path
        .strip_suffix("env.py")
        .map(|folder| format!("{folder}versions/"));
    let is_beside = |versions: String| {
        paths
            .range(versions.clone()..)
            .next()
            .is_some_and(|p| p.starts_with(&versions))
    };
    if stem == "__init__" || versions.is_some_and(is_beside) {
        return Part::Beside;
    }
    Part::Up(Unit {
        name: stem.to_owned(),
        tool,
        up: path.to_owned(),
        down: None,
        repeatable: false,
    })
}

/// `V1_2__name`, `U1_2__name`, `R__name`.
fn flyway(
    path: &str,
    within: &dyn Fn(&str) -> String,
    stem: &str,
    paths: &BTreeSet<String>,
) -> Option<Part> {
    let (head, _) = stem.split_once("__")?;
    let kind = head.chars().next()?;
    let number = head.get(1..)?;
    let counted = number.starts_with(|c: char| c.is_ascii_digit())
        && number
            .chars()
            .all(|c| c.is_ascii_digit() || c == '.' || c == '_');
    match kind {
        'V' | 'B' if counted => {}
        'R' if number.is_empty() => {}
        'U' if counted => {
            let of = within(&format!("V{number}__"));
            let of = paths
                .range(of.clone()..)
                .next()
                .filter(|p| p.starts_with(&of));
            return Some(of.map_or(Part::Strange, |of| Part::Down(of.clone())));
        }
        _ => return None,
    }
    Some(Part::Up(Unit {
        name: stem.to_owned(),
        tool: Tool::Flyway,
        up: path.to_owned(),
        down: None,
        repeatable: kind == 'R',
    }))
}

/// sqlx numbers its pairs by the second; golang-migrate counts them.
fn paired_tool(stem: &str) -> Tool {
    if digits(stem) == 14 {
        Tool::Sqlx
    } else {
        Tool::GolangMigrate
    }
}

fn digits(name: &str) -> usize {
    name.bytes().take_while(u8::is_ascii_digit).count()
}

/// The numbers at the beginning of a name; what has none runs last.
fn version(name: &str) -> Vec<u128> {
    let name = name.trim_start_matches(['V', 'B']);
    let head = name.split("__").next().unwrap_or(name);
    let numbers = head
        .split(['.', '_', '-'])
        .map_while(|part| part.parse::<u128>().ok());
    let numbers: Vec<u128> = numbers.collect();
    if numbers.is_empty() {
        vec![u128::MAX]
    } else {
        numbers
    }
}
