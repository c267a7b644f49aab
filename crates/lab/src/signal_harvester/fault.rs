//! The faults that can be planted in Signal Harvester's database, each with the check whose work it is to notice.

use crate::planted::PlantedFault;

/// Every fault, in the order of the gates that notice them.
pub fn faults() -> &'static [PlantedFault] {
    FAULTS
}

const fn fault(
    name: &'static str,
    check: &'static str,
    what: &'static str,
    sql: &'static str,
) -> PlantedFault {
    PlantedFault {
        name,
        what,
        check,
        verdict: "NO-GO",
        sql,
    }
}

#[rustfmt::skip]
const FAULTS: &[PlantedFault] = &[
    fault("version-8", "database/schema-version",
        "The schema is said to be at version 8: the last migration was applied and not recorded.",
        "delete from schema_version where version = 9"),
    fault("table-missing", "database/tables",
        "The table topic_similarity is missing.",
        "drop table topic_similarity"),
    fault("column-missing", "schema/no-drift",
        "The column tweets.lang is missing.",
        "alter table tweets drop column lang"),
    fault("column-extra", "schema/no-drift",
        "Somebody added the column accounts.verified by hand.",
        "alter table accounts add column verified boolean not null default false"),
    fault("type-changed", "schema/no-drift",
        "accounts.followers is text instead of integer.",
        "alter table accounts alter column followers drop default, alter column followers type text using followers::text, \
         alter column followers set default '0'"),
    fault("check-missing", "schema/no-drift",
        "Scores are no longer held between 0 and 100.",
        "alter table scores drop constraint scores_score_check"),
    fault("index-missing", "schema/no-drift",
        "The index by which artifacts are listed by date is missing.",
        "drop index artifacts_published"),
    fault("uniqueness-lost", "schema/no-drift",
        "The unique index over tweets was made again without `unique`.",
        "drop index tweets_one_per_moment; \
         create index tweets_one_per_moment on tweets (author_id, created_at, md5(body))"),
];
