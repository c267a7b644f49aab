//! Signal Harvester, the system of the third case study, as far as its database goes: nineteen tables at schema version 9.

mod fault;

pub use fault::faults;

use crate::{
    LabError,
    planted::{Installing, PlantedFault},
};

const SCHEMA: &str = include_str!("schema.sql");

const LEDGER: &str = "create table schema_version (
  version integer primary key,
  applied_at timestamptz not null default now()
);";

/// Applies the nine migrations, writes down which, and plants the faults. With `reset` everything in the schema `public` is dropped first.
pub async fn install(url: &str, reset: bool, faults: &[&PlantedFault]) -> Result<(), LabError> {
    let mut database = Installing::connect(url).await?;
    database.make_room(reset).await?;
    database
        .all("make the ledger of migrations", LEDGER)
        .await?;
    for (version, sql) in migrations() {
        let applied = format!("{sql}\ninsert into schema_version (version) values ({version});");
        database
            .all(&format!("apply migration {version}"), &applied)
            .await?;
    }
    database.finish(faults).await
}

/// The migrations, by number.
fn migrations() -> impl Iterator<Item = (usize, &'static str)> {
    SCHEMA
        .split("\n:v")
        .skip(1)
        .filter_map(|part| part.split_once('\n'))
        .filter_map(|(number, sql)| Some((number.parse().ok()?, sql)))
}

#[cfg(test)]
mod tests;
