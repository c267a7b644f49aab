//! What a rollback does not undo: functions of the server's own and of its extensions, by name.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Why a function of that name may not be called in a gate that is rolled back; nothing where it may.
pub(in crate::sql) fn of_function(name: &str) -> Option<&'static str> {
    static BY_NAME: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        let names =
            |(names, why): &'static (&'static [_], _)| names.iter().map(|name| (*name, *why));
        LISTED.iter().flat_map(names).collect()
    });
    let by_beginning = || {
        BEGINNINGS
            .iter()
            .find(|(beginning, _)| name.starts_with(beginning))
    };
    let found = BY_NAME.get(name).copied();
    found.or_else(|| by_beginning().map(|(_, why)| *why))
}

const RUNS_TEXT: &str = "runs a statement that it gets as text, which cannot be read before";
const FILES: &str = "reads or writes files of the server";
const OTHERS: &str = "acts on other sessions or on the whole server";
const SESSION_LOCK: &str = "takes a lock that a rollback does not give back";
const REPLICATION: &str = "changes what the server sends to its replicas";
const STATISTICS: &str = "changes the server's statistics, which a rollback does not restore";
const ELSEWHERE: &str = "reaches another database or another machine";
const SNAPSHOT: &str = "hands something of this transaction to other sessions";

const LISTED: &[(&[&str], &str)] = &[
    (
        &[
            "query_to_xml",
            "query_to_xmlschema",
            "query_to_xml_and_xmlschema",
            "cursor_to_xml",
            "cursor_to_xmlschema",
            "table_to_xml",
            "table_to_xmlschema",
            "table_to_xml_and_xmlschema",
            "schema_to_xml",
            "schema_to_xmlschema",
            "schema_to_xml_and_xmlschema",
            "database_to_xml",
            "database_to_xmlschema",
            "database_to_xml_and_xmlschema",
            "ts_stat",
            "ts_rewrite",
            "crosstab",
            "crosstab2",
            "crosstab3",
            "crosstab4",
            "crosstab_hash",
            "connectby",
            "xpath_table",
        ],
        RUNS_TEXT,
    ),
    (
        &[
            "lo_export",
            "lo_import",
            "pg_stat_file",
            "pg_current_logfile",
            "pg_prewarm",
            "autoprewarm_dump_now",
            "autoprewarm_start_worker",
        ],
        FILES,
    ),
    (
        &[
            "pg_terminate_backend",
            "pg_cancel_backend",
            "pg_reload_conf",
            "pg_rotate_logfile",
            "pg_rotate_logfile_old",
            "pg_switch_wal",
            "pg_switch_xlog",
            "pg_promote",
            "pg_log_backend_memory_contexts",
            "pg_log_standby_snapshot",
            "pg_stop_making_pinned_objects",
            "pg_nextoid",
            "pg_background_launch",
            "pg_import_system_collations",
            "gin_clean_pending_list",
            "brin_summarize_new_values",
            "brin_summarize_range",
            "brin_desummarize_range",
            "pg_truncate_visibility_map",
            "pg_buffercache_evict",
            "heap_force_kill",
            "heap_force_freeze",
        ],
        OTHERS,
    ),
    (
        &[
            "pg_advisory_lock",
            "pg_advisory_lock_shared",
            "pg_try_advisory_lock",
            "pg_try_advisory_lock_shared",
            "pg_advisory_unlock",
            "pg_advisory_unlock_shared",
            "pg_advisory_unlock_all",
        ],
        SESSION_LOCK,
    ),
    (
        &["pg_export_snapshot", "pg_current_xact_id_exported"],
        SNAPSHOT,
    ),
    (
        &[
            "pg_drop_replication_slot",
            "pg_sync_replication_slots",
            "pg_start_backup",
            "pg_stop_backup",
            "pg_xlog_replay_pause",
            "pg_xlog_replay_resume",
        ],
        REPLICATION,
    ),
    (
        &[
            "http_get",
            "http_post",
            "http_put",
            "http_delete",
            "http_head",
            "http_patch",
        ],
        ELSEWHERE,
    ),
];

const BEGINNINGS: &[(&str, &str)] = &[
    ("dblink", ELSEWHERE),
    ("postgres_fdw_", ELSEWHERE),
    ("pg_read_", FILES),
    ("pg_ls_", FILES),
    ("pg_file_", FILES),
    ("pg_logdir_", FILES),
    ("pg_stat_reset", STATISTICS),
    ("pg_stat_statements_reset", STATISTICS),
    ("pg_stat_force_", STATISTICS),
    ("pg_restore_", STATISTICS),
    ("pg_clear_", STATISTICS),
    ("pg_set_relation_stats", STATISTICS),
    ("pg_set_attribute_stats", STATISTICS),
    ("pg_logical_", REPLICATION),
    ("pg_replication_", REPLICATION),
    ("pg_create_", REPLICATION),
    ("pg_copy_", REPLICATION),
    ("pg_backup_", REPLICATION),
    ("pg_wal_replay_", REPLICATION),
    ("binary_upgrade_", OTHERS),
];

/// Functions of PostgreSQL's own that the server counts as volatile and that leave nothing behind a rollback, or only
/// look. One that stands neither here nor above is new to this program and is not called.
pub(in crate::sql) const HARMLESS: &[&str] = &[
    "amvalidate",
    "bernoulli",
    "system",
    "brinhandler",
    "bthandler",
    "ginhandler",
    "gisthandler",
    "hashhandler",
    "spghandler",
    "heap_tableam_handler",
    "clock_timestamp",
    "current_query",
    "currtid2",
    "currval",
    "lastval",
    "nextval",
    "setval",
    "dsnowball_init",
    "dsnowball_lexize",
    "gen_random_uuid",
    "uuidv4",
    "uuidv7",
    "lo_close",
    "lo_creat",
    "lo_create",
    "lo_from_bytea",
    "lo_get",
    "lo_lseek",
    "lo_lseek64",
    "lo_open",
    "lo_put",
    "lo_tell",
    "lo_tell64",
    "lo_truncate",
    "lo_truncate64",
    "lo_unlink",
    "loread",
    "lowrite",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "pg_blocking_pids",
    "pg_safe_snapshot_blocking_pids",
    "pg_isolation_test_session_is_blocked",
    "pg_collation_actual_version",
    "pg_database_collation_actual_version",
    "pg_control_checkpoint",
    "pg_control_init",
    "pg_control_recovery",
    "pg_control_system",
    "pg_current_wal_flush_lsn",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn",
    "pg_database_size",
    "pg_extension_config_dump",
    "pg_get_backend_memory_contexts",
    "pg_get_multixact_members",
    "pg_get_shmem_allocations",
    "pg_get_wal_replay_pause_state",
    "pg_get_wal_resource_managers",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_indexes_size",
    "pg_is_in_recovery",
    "pg_is_wal_replay_paused",
    "pg_jit_available",
    "pg_last_committed_xact",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_lock_status",
    "pg_notification_queue_usage",
    "pg_notify",
    "pg_partition_ancestors",
    "pg_partition_tree",
    "pg_prepared_xact",
    "pg_relation_size",
    "pg_sequence_last_value",
    "pg_show_all_file_settings",
    "pg_show_replication_origin_status",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_stat_clear_snapshot",
    "pg_stat_have_stats",
    "pg_stat_get_recovery_prefetch",
    "pg_stat_get_xact_blocks_fetched",
    "pg_stat_get_xact_blocks_hit",
    "pg_stat_get_xact_function_calls",
    "pg_stat_get_xact_function_self_time",
    "pg_stat_get_xact_function_total_time",
    "pg_stat_get_xact_numscans",
    "pg_stat_get_xact_tuples_deleted",
    "pg_stat_get_xact_tuples_fetched",
    "pg_stat_get_xact_tuples_hot_updated",
    "pg_stat_get_xact_tuples_inserted",
    "pg_stat_get_xact_tuples_newpage_updated",
    "pg_stat_get_xact_tuples_returned",
    "pg_stat_get_xact_tuples_updated",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_total_relation_size",
    "pg_xact_commit_timestamp",
    "pg_xact_commit_timestamp_origin",
    "pg_xact_status",
    "txid_status",
    "plpgsql_call_handler",
    "plpgsql_inline_handler",
    "plpgsql_validator",
    "random",
    "random_normal",
    "set_config",
    "setseed",
    "suppress_redundant_updates_trigger",
    "timeofday",
    "tsvector_update_trigger",
    "tsvector_update_trigger_column",
    "unique_key_recheck",
];

/// Extensions whose functions in C only compute, or only change rows of this database.
pub(in crate::sql) const HARMLESS_EXTENSIONS: &[&str] = &[
    "amcheck",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "hstore_plperl",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_hashids",
    "pg_stat_statements",
    "pg_trgm",
    "pg_uuidv7",
    "pgcrypto",
    "pgrowlocks",
    "pgstattuple",
    "plpgsql",
    "postgis",
    "refint",
    "rum",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "vector",
    "xml2",
];

/// A statement that begins with these words is not undone, or says what is gonogo's to say. Only as far as a body of a
/// function could hold it; what a check itself says is decided by its tree.
pub(super) fn of_beginning(words: &[&str]) -> Option<&'static str> {
    let first = *words.first()?;
    let rest = words.get(1..).unwrap_or_default();
    Some(match first {
        "copy" => "`COPY` moves files and streams and runs programs",
        "load" => "`LOAD` brings code into the server",
        "checkpoint" => "`CHECKPOINT` is not undone by a rollback",
        "vacuum" | "cluster" | "analyze" | "repack" => {
            "its work on storage and statistics is not undone by a rollback"
        }
        "import" => "`IMPORT FOREIGN SCHEMA` reaches another server",
        "prepare" if rest.first() == Some(&"transaction") => {
            "`PREPARE TRANSACTION` keeps the transaction for later"
        }
        "listen" | "unlisten" | "discard" | "deallocate" | "prepare" => {
            "it changes the session, which a rollback does not restore"
        }
        "create" | "alter" | "drop" => return of_definition(first, rest),
        "set" if rest.contains(&"standard_conforming_strings") => "it changes how texts are read",
        _ => return None,
    })
}

fn of_definition(first: &str, words: &[&str]) -> Option<&'static str> {
    let named: Vec<&str> = words
        .iter()
        .copied()
        .filter(|w| !["or", "replace", "trusted", "procedural"].contains(w))
        .take(2)
        .collect();
    Some(match named.as_slice() {
        [
            "database" | "tablespace" | "subscription" | "system" | "publication",
            ..,
        ] => "it is not undone by a rollback, or reaches beyond this database",
        ["extension" | "language" | "transform", ..] if first != "drop" => {
            "it brings code into the server"
        }
        ["access" | "foreign" | "server", ..] => "it reaches other servers or brings code in",
        ["user", "mapping"] => "it reaches other servers",
        ["event", "trigger"] => "it acts on every later definition",
        ["conversion", ..] if first == "create" => "it brings code into the server",
        _ => return None,
    })
}
