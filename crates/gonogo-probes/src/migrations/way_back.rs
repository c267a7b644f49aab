//! What a rollback must know of the migrations between two revisions.

use std::path::Path;

use gonogo_core::Value;
use gonogo_core::record::NotObserved;

use super::layout::Tool;
use super::observed;
use super::review::{Migration, Review};
use super::run::{judged, of_revisions, tidied};
use crate::ctx::Ctx;

/// Whether the version before can run again once a migration has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WayBack {
    /// It has a way down.
    Down,
    /// It has none, and the version before runs on what it leaves.
    Compatible,
    /// Neither.
    None,
    /// It cannot be told from the file.
    NotUnderstood,
}

impl WayBack {
    /// As it stands in a fact.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Compatible => "compatible",
            Self::None => "none",
            Self::NotUnderstood => "not-understood",
        }
    }
}

/// A migration that lies between the two.
pub(crate) struct Passed {
    pub(crate) name: String,
    pub(crate) tool: &'static str,
    pub(crate) path: String,
    pub(crate) way_back: WayBack,
    /// What the `migrations` probe tells of it.
    pub(crate) told: Value,
}

/// The migrations between two revisions.
pub(crate) struct Between {
    /// In the order in which they ran.
    pub(crate) migrations: Vec<Passed>,
    /// What stands in the way back: migrations that cannot be read, have no way down, were edited or removed.
    pub(crate) findings: Vec<Value>,
}

/// The rules that speak of the way back.
const RULES: [&str; 5] = [
    "not-understood",
    "no-way-down",
    "edited-migration",
    "removed-migration",
    "not-recognised",
];

/// Reads the migrations of a folder that came after `earlier`, up to `later`.
pub(crate) async fn between(
    ctx: &Ctx,
    root: &Path,
    folder: &str,
    (earlier, later): (&str, &str),
    tool: Option<Tool>,
) -> Result<Between, NotObserved> {
    let below = tidied(folder);
    let revisions = (Some(earlier), later);
    let (source, layout) = of_revisions(ctx, root, &below, revisions, tool).await?;
    let (_, _, review) = judged(ctx, source, layout, Vec::new()).await?;
    let in_the_way = review.findings.iter();
    let in_the_way = in_the_way.filter(|finding| RULES.contains(&finding.rule.as_str()));
    Ok(Between {
        findings: in_the_way.map(observed::value).collect(),
        migrations: review
            .migrations
            .iter()
            .map(|migration| Passed {
                name: migration.name.clone(),
                tool: migration.tool.name(),
                path: migration.path.clone(),
                way_back: way_back(migration, &review),
                told: observed::migration(migration),
            })
            .collect(),
    })
}

fn way_back(migration: &Migration, review: &Review) -> WayBack {
    let mut findings = review.findings.iter();
    if migration.has_down {
        WayBack::Down
    } else if migration.is_compatible() {
        WayBack::Compatible
    } else if findings.any(|f| f.file == migration.path && f.rule == "not-understood") {
        WayBack::NotUnderstood
    } else {
        WayBack::None
    }
}
