//! Looking: the catalogue, what the migration tools recorded, and the rows that the options ask about.

use std::collections::BTreeMap;

use gonogo_core::record::{Cause, NotObserved};
use gonogo_core::schema_model::{SchemaSnapshot, diff, product};

use super::data::{self, quoted};
use super::observed::{Drift, Looked, seen};
use super::syntax::{SchemaOptions, expected};
use super::{Catalogue, migrations, mysql, postgres, sqlite};
use crate::database::{Database, Kind};
use crate::probe::{Call, Seen};

/// One look, while it is under way.
pub(super) struct Looking<'c, 'd> {
    call: &'c Call<'d>,
    tried: String,
    namespaces: Vec<String>,
    /// The open session.
    pub(super) database: Database<'d>,
    /// What the catalogue said.
    pub(super) catalogue: Catalogue,
}

impl Looking<'_, '_> {
    /// Why nothing was seen.
    pub(super) fn failed(&self, cause: Cause, message: impl Into<String>) -> NotObserved {
        self.call.ctx.not_observed(&self.tried, cause, message)
    }

    /// A table of the model as a statement names it.
    pub(super) fn sql_name(&self, table: &str) -> String {
        let own = self.namespaces.iter().find_map(|namespace| {
            let bare = table.strip_prefix(namespace.as_str())?.strip_prefix('.')?;
            Some((namespace.as_str(), bare))
        });
        let (namespace, bare) = match (&self.namespaces[..], own) {
            ([only], _) => (only.as_str(), table),
            (_, Some(own)) => own,
            (_, None) => return quoted(table),
        };
        format!("{}.{}", quoted(namespace), quoted(bare))
    }

    /// The same, of a table whose rows may be read.
    pub(super) fn readable(&self, table: &str) -> Result<String, NotObserved> {
        if self.catalogue.unreadable.iter().any(|t| t == table) {
            let message = format!("the role may not read the rows of `{table}`");
            let mut failed = self.failed(Cause::Denied, message);
            failed.help = Some(format!("`grant select on {} to …`", self.sql_name(table)));
            return Err(failed);
        }
        Ok(self.sql_name(table))
    }
}

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let tried = super::ask(&call.options);
    let bad = |why: String| call.ctx.not_observed(&tried, Cause::BadOptions, why);
    let options: SchemaOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let snapshot = match &options.expected {
        None => None,
        Some(file) => Some(read_expected(&call, &tried, file)?),
    };
    let mut database = Database::open(&call, &tried).await?;
    let namespaces = options.schema.0.clone();
    let place = database.place();
    if let Some(snapshot) = &snapshot {
        same_product(snapshot, &place.engine).map_err(bad)?;
    }
    let catalogue = match database.kind() {
        Kind::Postgres => postgres::read(&mut database, &namespaces).await?,
        Kind::Sqlite => sqlite::read(&mut database, &namespaces).await?,
        Kind::MySql => mysql::read(call.ctx, &tried, &mut database, &namespaces).await?,
    };
    let catalogue = catalogue.map_err(|why| call.ctx.not_observed(&tried, Cause::Bug, why))?;
    if let [missing, ..] = &catalogue.missing[..] {
        let others = catalogue.others.join(", ");
        let message = format!("there is no schema `{missing}` in this database");
        let mut failed = call.ctx.not_observed(&tried, Cause::Missing, message);
        failed.help = Some(format!("there are: {others}"));
        return Err(failed);
    }
    let mut looking = Looking {
        call: &call,
        tried,
        namespaces,
        database,
        catalogue,
    };
    let (migrations, migrations_unread) = migrations::recorded(&mut looking).await?;
    let mut relations = Vec::new();
    for text in &options.relations {
        relations.push(data::relation(&mut looking, text).await?);
    }
    let mut duplicates = BTreeMap::new();
    for entry in &options.duplicates {
        let (key, count) = data::duplicates(&mut looking, entry).await?;
        duplicates.insert(key, count);
    }
    looking.database.close().await;
    let model = looking.catalogue.model;
    let looked = Looked {
        place,
        namespaces: looking.namespaces,
        drift: snapshot.map(|snapshot| Drift {
            file: options.expected.clone().unwrap_or_default(),
            found: diff(&snapshot.model, &model),
            snapshot,
        }),
        model,
        relations,
        duplicates,
        migrations,
        migrations_unread,
    };
    Ok(seen(&options, looked))
}

/// The snapshot as the plan has it: what is in the bundle is what was compared with.
fn read_expected(call: &Call<'_>, tried: &str, file: &str) -> Result<SchemaSnapshot, NotObserved> {
    let bytes = call.ctx.plan_file(file).ok_or_else(|| {
        let message = format!("the snapshot `{file}` is none of the plan's files");
        call.ctx.not_observed(tried, Cause::Missing, message)
    })?;
    expected(&call.options, bytes).map_err(|e| {
        let message = format!("{file}: {e}");
        let mut failed = call.ctx.not_observed(tried, Cause::BadOptions, message);
        failed.help = Some(e.help);
        failed
    })
}

fn same_product(snapshot: &SchemaSnapshot, engine: &str) -> Result<(), String> {
    if snapshot.product() == product(engine) {
        return Ok(());
    }
    Err(format!(
        "the snapshot is of {}, and this is {engine}: their schemas cannot be compared",
        snapshot.engine
    ))
}
