//! APMS, the system of the fourth case study: master data that is configured by version, and the workflows that run by it.
//! It is a PostgreSQL database and nothing else: its rules are constraints and triggers.

mod fault;

pub use fault::faults;

use crate::{
    LabError,
    planted::{Installing, PlantedFault},
};

/// The migration that the case is about, as Prisma names it.
pub const MIGRATION: &str = "20251229010228_add_master_tables_final_v2";

/// How environments differ although the same migration was applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Variant {
    /// Drop everything in the schema `public` first.
    pub reset: bool,
    /// Two columns of `workflow_instances` have their older names: `workflow_status` and `current_stage`.
    pub older_names: bool,
    /// All 22 CHECKs are there, also the one that was forgotten.
    pub every_check: bool,
}

const MIGRATIONS: [(&str, &[&str]); 2] = [
    (
        "20251101080000_base",
        &[include_str!("migration/20251101080000_base/migration.sql")],
    ),
    (
        MIGRATION,
        &[
            include_str!("migration/20251229010228_add_master_tables_final_v2/1_tables.sql"),
            include_str!("migration/20251229010228_add_master_tables_final_v2/2_rules.sql"),
            include_str!(
                "migration/20251229010228_add_master_tables_final_v2/3_performance_indexes.sql"
            ),
        ],
    ),
];

const SEED: &str = include_str!("migration/seed.sql");

/// As Prisma keeps it.
const LEDGER: &str = "create table _prisma_migrations (
  id varchar(36) primary key,
  checksum varchar(64) not null,
  finished_at timestamptz,
  migration_name varchar(255) not null,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz not null default now(),
  applied_steps_count integer not null default 0
);";

const FORGOTTEN_CHECK: &str = "alter table approval_policy_stages
  add constraint approval_policy_stages_sla_hours_check check (sla_hours > 0)";

/// Applies the migrations, sows the seeds and plants the faults.
pub async fn install(
    url: &str,
    variant: Variant,
    faults: &[&PlantedFault],
) -> Result<(), LabError> {
    let mut database = Installing::connect(url).await?;
    database.make_room(variant.reset).await?;
    database
        .all("make the ledger of migrations", LEDGER)
        .await?;
    for (name, parts) in MIGRATIONS {
        let sql = in_words_of(variant, &parts.concat());
        database
            .all(
                &format!("apply {name}"),
                &format!("{sql}\n{}", recorded(name, &parts.concat())),
            )
            .await?;
    }
    database
        .all("sow the seeds", &in_words_of(variant, SEED))
        .await?;
    if variant.every_check {
        database
            .all("add the forgotten CHECK", FORGOTTEN_CHECK)
            .await?;
    }
    database.finish(faults).await
}

/// Plants faults in a database in which the system is installed.
pub async fn plant(url: &str, faults: &[&PlantedFault]) -> Result<(), LabError> {
    Installing::connect(url).await?.finish(faults).await
}

fn in_words_of(variant: Variant, sql: &str) -> String {
    let (status, stage) = if variant.older_names {
        ("workflow_status", "current_stage")
    } else {
        ("status", "current_stage_number")
    };
    sql.replace(":wf_status", status)
        .replace(":wf_stage", stage)
}

/// The ledger's row; the text of the migration is quoted with a tag that it does not hold.
fn recorded(name: &str, sql: &str) -> String {
    format!(
        "insert into _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
         values (gen_random_uuid()::text, encode(sha256(convert_to($migration_text${sql}$migration_text$, 'UTF8')), 'hex'),
           now(), '{name}', 1);"
    )
}

#[cfg(test)]
mod tests;
