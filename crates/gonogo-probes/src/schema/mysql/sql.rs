//! What is asked of information_schema, a constant number of questions. `{}` is where the databases asked for stand.
//! What MySQL and MariaDB tell by different columns is asked by `*`.

/// A question of so many databases. One is asked for by `=`: the server then looks into its folder alone.
pub(super) fn of(question: &str, databases: usize) -> String {
    let asked = if databases == 1 {
        "= ?".to_owned()
    } else {
        format!("in ({})", vec!["?"; databases].join(", "))
    };
    question.replace("{}", &asked)
}

pub(super) const NAMESPACES: &str =
    "select schema_name as \"name\" from information_schema.schemata order by 1";

pub(super) const TABLES: &str = "\
select table_schema as ns, table_name as \"name\", table_type as kind, engine as \"engine\",
       table_collation as \"collation\", create_options as \"options\"
from information_schema.tables where table_schema {} and table_type <> 'VIEW'";

pub(super) const VIEWS: &str = "\
select table_schema as ns, table_name as \"name\", view_definition as definition, check_option as \"check_option\",
       security_type as \"security\"
from information_schema.views where table_schema {}";

pub(super) const COLUMNS: &str = "\
select table_schema as ns, table_name as \"of\", column_name as \"name\", ordinal_position as \"position\",
       column_type as \"type\", is_nullable as nullable, column_default as written, extra as \"extra\",
       generation_expression as expression, collation_name as \"collation\"
from information_schema.columns where table_schema {}";

pub(super) const STATISTICS: &str = "\
select s.table_schema as ns, s.* from information_schema.statistics s where s.table_schema {}
order by s.table_schema, s.table_name, s.index_name, s.seq_in_index";

pub(super) const RULES: &str = "\
select constraint_schema as ns, table_name as \"of\", constraint_name as \"name\", delete_rule as on_delete,
       update_rule as on_update, match_option as \"match\"
from information_schema.referential_constraints where constraint_schema {}";

pub(super) const KEYS: &str = "\
select table_schema as ns, table_name as \"of\", constraint_name as \"name\", column_name as \"column\",
       referenced_table_schema as to_ns, referenced_table_name as to_table, referenced_column_name as to_column
from information_schema.key_column_usage where table_schema {} and referenced_table_name is not null
order by table_schema, table_name, constraint_name, ordinal_position";

pub(super) const CONSTRAINTS: &str = "select c.constraint_schema as ns, c.* from information_schema.table_constraints c where c.constraint_schema {}";

pub(super) const KNOWS_CHECKS: &str = "\
select 1 as there from information_schema.tables
where table_schema = 'information_schema' and table_name = 'CHECK_CONSTRAINTS'";

pub(super) const CHECKS: &str = "select c.constraint_schema as ns, c.* from information_schema.check_constraints c where c.constraint_schema {}";

pub(super) const TRIGGERS: &str = "\
select event_object_schema as ns, event_object_table as \"of\", trigger_name as \"name\", action_timing as timing,
       event_manipulation as \"event\", action_statement as \"statement\", action_order as \"place\"
from information_schema.triggers where event_object_schema {}";

pub(super) const PARTITIONS: &str = "\
select distinct table_schema as ns, table_name as \"of\", partition_name as \"name\", partition_method as \"method\",
       partition_expression as expression, subpartition_method as sub_method,
       subpartition_expression as sub_expression, partition_description as \"description\"
from information_schema.partitions where table_schema {} and partition_name is not null";

pub(super) const PARAMETERS: &str = "\
select specific_schema as ns, routine_type as kind, specific_name as \"of\", parameter_mode as \"mode\",
       parameter_name as \"name\", dtd_identifier as \"type\"
from information_schema.parameters where specific_schema {} and ordinal_position > 0
order by specific_schema, routine_type, specific_name, ordinal_position";

pub(super) const ROUTINES: &str = "\
select routine_schema as ns, routine_type as kind, routine_name as \"name\", dtd_identifier as returns,
       routine_body as \"language\", routine_definition as definition, is_deterministic as \"deterministic\",
       sql_data_access as \"access\", security_type as \"security\"
from information_schema.routines where routine_schema {}";
