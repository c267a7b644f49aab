//! The schema as numbered migrations, recorded in `schema_migrations`, and the rows that a fresh database has.

use super::{Fault, Faults};
use crate::{
    LabError,
    store::{Dialect, Store, StoreError},
};

pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    /// `{id}`, `{instant}` and `{now}` are written differently for each database.
    sql: &'static str,
}

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "create_workspaces",
        sql: "create table workspaces (
  id text primary key default {id},
  name text not null unique,
  created_at {instant} not null default {now}
);
insert into workspaces (name) values ('demo');",
    },
    Migration {
        version: 2,
        name: "create_users",
        sql: "create table users (
  id text primary key default {id},
  email text not null unique,
  role text not null check (role in ('admin', 'viewer')),
  created_at {instant} not null default {now}
);
insert into users (email, role) values ('ops@demo.invalid', 'admin'), ('reader@demo.invalid', 'viewer');",
    },
    Migration {
        version: 3,
        name: "create_snapshots",
        sql: "create table snapshots (
  id text primary key default {id},
  workspace_id text not null references workspaces (id),
  name text not null,
  created_at {instant} not null default {now},
  updated_at {instant} not null default {now}
);
insert into snapshots (workspace_id, name) select id, 'baseline' from workspaces where name = 'demo';",
    },
    Migration {
        version: 4,
        name: "create_snapshot_items",
        sql: "create table snapshot_items (
  id text primary key default {id},
  snapshot_id text not null references snapshots (id) on delete cascade,
  key text not null,
  value text not null
);",
    },
    Migration {
        version: 5,
        name: "create_snapshot_tags",
        sql: "create table snapshot_tags (
  snapshot_id text not null references snapshots (id) on delete cascade,
  tag text not null,
  primary key (snapshot_id, tag)
);
insert into snapshot_tags (snapshot_id, tag) select id, 'seed' from snapshots where name = 'baseline';",
    },
    Migration {
        version: 6,
        name: "create_protection_rules",
        sql: "create table protection_rules (
  id text primary key default {id},
  workspace_id text not null references workspaces (id),
  name text not null,
  effect text not null check (effect in ('allow', 'block', 'elevate_risk', 'require_approval')),
  conditions text not null default '{\"operation\":\"delete\"}',
  priority bigint not null default 100,
  enabled boolean not null default true,
  created_at {instant} not null default {now},
  updated_at {instant} not null default {now}
);
create unique index protection_rules_workspace_name on protection_rules (workspace_id, name);",
    },
    Migration {
        version: 7,
        name: "create_rule_execution_log",
        sql: "create table rule_execution_log (
  id text primary key default {id},
  rule_id text references protection_rules (id) on delete set null,
  operation text not null,
  effect text,
  allowed boolean not null,
  dry_run boolean not null,
  executed_at {instant} not null default {now}
);",
    },
    Migration {
        version: 8,
        name: "add_protection_to_snapshots",
        sql: "alter table snapshots add column protection_level text not null default 'normal'
  check (protection_level in ('normal', 'protected', 'critical'));
alter table snapshots add column release_channel text not null default 'stable'
  check (release_channel in ('stable', 'canary', 'beta', 'experimental'));",
    },
    Migration { version: 9, name: "index_snapshot_tags", sql: "create index snapshot_tags_tag on snapshot_tags (tag);" },
];

/// Every table, the ones that point to others first.
const TABLES: [&str; 8] = [
    "rule_execution_log",
    "protection_rules",
    "snapshot_tags",
    "snapshot_items",
    "snapshots",
    "users",
    "workspaces",
    "schema_migrations",
];

impl Migration {
    /// The statements as a database takes them.
    pub(crate) fn sql(&self, dialect: Dialect) -> String {
        self.sql
            .replace("{id}", &format!("({})", dialect.fresh_id()))
            .replace("{instant}", dialect.instant_type())
            .replace("{now}", &format!("({})", dialect.now()))
    }
}

/// Brings the database to the newest version, and then takes away what the faults want missing.
pub(crate) async fn prepare(store: &Store, reset: bool, faults: &Faults) -> Result<(), LabError> {
    let failed = |what: String| {
        move |error: StoreError| LabError::Database {
            what,
            why: error.to_string(),
        }
    };
    if reset {
        let drops = TABLES
            .map(|table| format!("drop table if exists {table};"))
            .join("\n");
        store
            .batch(&drops)
            .await
            .map_err(failed("drop the tables".into()))?;
    }
    let dialect = store.dialect();
    let record = format!(
        "create table if not exists schema_migrations (
  version bigint primary key,
  name text not null,
  applied_at {} not null default ({})
);",
        dialect.instant_type(),
        dialect.now()
    );
    store
        .batch(&record)
        .await
        .map_err(failed("make the table of migrations".into()))?;
    let applied = store
        .read(
            "select coalesce(max(version), 0) from schema_migrations",
            Vec::new(),
        )
        .await
        .map_err(failed("read the applied migrations".into()))?;
    let applied = applied.first().map_or(0, |row| row.int(0));
    for migration in MIGRATIONS
        .iter()
        .filter(|migration| migration.version > applied)
    {
        let Migration { version, name, .. } = migration;
        let sql = format!(
            "{}\ninsert into schema_migrations (version, name) values ({version}, '{name}');",
            migration.sql(dialect)
        );
        store
            .batch(&sql)
            .await
            .map_err(failed(format!("apply migration {version}")))?;
    }
    for fault in faults {
        if let Some(sql) = undone_by(*fault) {
            store
                .batch(sql)
                .await
                .map_err(failed(format!("plant {fault}")))?;
        }
    }
    Ok(())
}

fn undone_by(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::MissingTable => Some("drop table if exists rule_execution_log"),
        Fault::MigrationMissing => Some(
            "drop index if exists snapshot_tags_tag; delete from schema_migrations where version = 9",
        ),
        Fault::DuplicateNameAccepted => {
            Some("drop index if exists protection_rules_workspace_name")
        }
        _ => None,
    }
}
