//! The faults that can be planted in APMS, each with the check whose work it is to notice.

use crate::planted::PlantedFault;

/// Every fault, in the order of the gates that notice them.
pub fn faults() -> &'static [PlantedFault] {
    FAULTS
}

const NO_GO: &str = "NO-GO";
const HOLD: &str = "HOLD";

const fn fault(
    name: &'static str,
    check: &'static str,
    verdict: &'static str,
    what: &'static str,
    sql: &'static str,
) -> PlantedFault {
    PlantedFault {
        name,
        what,
        check,
        verdict,
        sql,
    }
}

#[rustfmt::skip]
const FAULTS: &[PlantedFault] = &[
    fault("migration-not-finished", "subject/start", HOLD,
        "The migration was begun and did not finish; Prisma would refuse to go on.",
        "update _prisma_migrations set finished_at = null, logs = 'ERROR: canceling statement due to lock timeout' \
         where migration_name like '%add_master_tables_final_v2'"),
    fault("backup-not-restorable", "backup/taken-and-restored", NO_GO,
        "An index calls a function that finds its table only by the search path: what was dumped cannot be restored.",
        "create function region_code(region text) returns text language sql immutable as 'select code from regions where id = region'; \
         create index sites_region_code on sites (region_code(region_id))"),
    fault("pgcrypto-missing", "preflight/pgcrypto", NO_GO,
        "The extension pgcrypto is not there; ids come from the server's own gen_random_uuid.",
        "drop extension pgcrypto"),
    fault("workspace-missing", "preflight/workspace", NO_GO,
        "The workspace XLSMART-AVIAT is there under another name.",
        "update workspaces set name = 'XLSMART' where name = 'XLSMART-AVIAT'"),
    fault("single-user-only", "preflight/users", NO_GO,
        "Only one user is active, so nobody could approve what another made.",
        "update users set status = 'INACTIVE' where email <> 'admin@apms.invalid'"),
    fault("table-missing", "schema-integrity/tables", NO_GO,
        "The table document_templates is missing.",
        "drop table document_templates"),
    fault("fk-missing", "schema-integrity/foreign-key", NO_GO,
        "The one foreign key that was real, config_versions.workspace_id, is missing too.",
        "alter table config_versions drop constraint config_versions_workspace_id_fkey"),
    fault("check-dropped", "schema-integrity/checks", NO_GO,
        "A second CHECK is missing: 20 of 22 are left.",
        "alter table stage_approvals drop constraint stage_approvals_decision_check"),
    fault("index-missing", "schema-integrity/one-active-index", NO_GO,
        "The unique index for one ACTIVE configuration is missing.",
        "drop index config_versions_one_active"),
    fault("index-not-partial", "schema-integrity/one-active-index", NO_GO,
        "The unique index is over the status instead of for ACTIVE only: a second draft is refused as well.",
        "drop index config_versions_one_active; \
         create unique index config_versions_one_active on config_versions (workspace_id, source_type, status)"),
    fault("orphan-rows", "data-integrity/orphans", NO_GO,
        "A checklist item belongs to a checklist that is not there.",
        "insert into checklist_items (checklist_template_id, position, question) values ('gone', 1, 'Whose am I?')"),
    fault("id-as-uuid", "type-alignment/ids-are-text", NO_GO,
        "The ids of checklist_items are uuid instead of text.",
        "alter table checklist_items alter column id drop default, alter column id type uuid using id::uuid, \
         alter column id set default gen_random_uuid()"),
    fault("wrong-type-reference", "type-alignment/references-agree", NO_GO,
        "role_assignments.user_id is uuid, and the ids of users are text.",
        "alter table role_assignments alter column user_id type uuid using user_id::uuid"),
    fault("draft-cannot-activate", "config-lifecycle/activate", NO_GO,
        "The lifecycle has lost its way from DRAFT to ACTIVE.",
        "create or replace function walk_config_lifecycle() returns trigger language plpgsql as $$ begin \
           if (old.status, new.status) not in (('ACTIVE', 'ARCHIVED'), ('DRAFT', 'ARCHIVED')) then \
             raise exception 'a configuration does not go from % to %', old.status, new.status using errcode = 'check_violation'; \
           end if; return new; end $$"),
    fault("second-active-allowed", "config-lifecycle/second-active-refused", NO_GO,
        "The partial unique index is there and covers nothing: its predicate says Active, the rows say ACTIVE.",
        "drop index config_versions_one_active; \
         create unique index config_versions_one_active on config_versions (workspace_id, source_type) where status = 'Active'"),
    fault("version-chain-broken", "config-lifecycle/version-chain", NO_GO,
        "A new version no longer names the one before it.",
        "create or replace function number_config_version() returns trigger language plpgsql as $$ begin \
           select coalesce(max(version_number), 0) + 1 into new.version_number from config_versions \
             where workspace_id = new.workspace_id and source_type = new.source_type; \
           return new; end $$"),
    fault("workflow-follows-new-draft", "freeze-by-reference/still-frozen", NO_GO,
        "Running workflows are moved to a draft as soon as it is made.",
        "drop trigger freeze_workflow_config on workflow_instances; \
         create function follow_new_draft() returns trigger language plpgsql as $$ begin \
           update workflow_instances w set config_version_id = new.id from config_versions c \
             where c.id = w.config_version_id and c.workspace_id = new.workspace_id and c.source_type = new.source_type; \
           return null; end $$; \
         create trigger follow_new_draft after insert on config_versions for each row execute function follow_new_draft()"),
    fault("cross-workspace-row-visible", "isolation/only-own-rows", NO_GO,
        "A workspace is shown the sites of every other.",
        "create or replace function visible_in(workspace uuid) returns table (entity text, id text, workspace_id uuid) \
         language sql stable as $$ \
           select 'config_version', c.id, c.workspace_id from config_versions c where c.workspace_id = workspace \
           union all select 'vendor', v.id, v.workspace_id from vendors v where v.workspace_id = workspace \
           union all select 'site', s.id, s.workspace_id from sites s \
           union all select 'workflow_instance', w.id, w.workspace_id from workflow_instances w where w.workspace_id = workspace \
         $$"),
    fault("cross-workspace-reference-accepted", "isolation/foreign-config-refused", NO_GO,
        "A workflow may be begun under another workspace's configuration.",
        "create or replace function begin_workflow() returns trigger language plpgsql as $$ begin \
           if not exists (select from config_versions where id = new.config_version_id and status = 'ACTIVE') then \
             raise exception 'there is no ACTIVE configuration %', new.config_version_id using errcode = 'foreign_key_violation'; \
           end if; return new; end $$"),
    fault("cascade-missing", "isolation/cascade-leaves-no-orphans", NO_GO,
        "Deleting a scope leaves its items behind.",
        "drop trigger cascade_atp_scope on atp_scopes"),
    fault("workflow-cannot-be-created", "runtime/workflow-created", NO_GO,
        "workflow_instances has a column that must be given, and the application does not know it.",
        "alter table workflow_instances add column priority integer not null default 1; \
         alter table workflow_instances alter column priority drop default"),
    fault("approval-not-recorded", "runtime/stage-approved", NO_GO,
        "An approval is accepted and thrown away.",
        "create or replace function take_decision() returns trigger language plpgsql as $$ begin return null; end $$"),
    fault("workflow-does-not-advance", "runtime/next-stage-pending", NO_GO,
        "An approval is recorded, and the next stage stays closed.",
        "create or replace function open_next_stage(workflow text, decided integer) returns void language sql as 'select'"),
    fault("active-deletable", "invariants/active-not-deleted", NO_GO,
        "The ACTIVE configuration can be deleted.",
        "drop trigger keep_active_config on config_versions"),
    fault("second-active-raced", "invariants/rival-has-to-wait", NO_GO,
        "A trigger that looks first stands in for the unique index: one after the other is refused, two at once are not.",
        "drop index config_versions_one_active; \
         create unique index config_versions_one_active on config_versions (workspace_id, source_type) where status = 'Active'; \
         create function refuse_second_active() returns trigger language plpgsql as $$ begin \
           if new.status = 'ACTIVE' and exists (select from config_versions where workspace_id = new.workspace_id \
               and source_type = new.source_type and status = 'ACTIVE' and id <> new.id) then \
             raise exception 'there is an ACTIVE configuration' \
               using errcode = 'unique_violation', constraint = 'config_versions_one_active'; \
           end if; return new; end $$; \
         create trigger refuse_second_active before insert or update on config_versions for each row execute function refuse_second_active()"),
    fault("reference-not-frozen", "invariants/reference-immutable", NO_GO,
        "A running workflow can be moved to another configuration.",
        "drop trigger freeze_workflow_config on workflow_instances"),
    fault("active-content-editable", "executive/config-immutability", NO_GO,
        "The scopes of an ACTIVE configuration can be edited under the workflows that run by it.",
        "drop trigger keep_config_content on atp_scopes"),
    fault("cross-workspace-data", "executive/workspace-isolation", NO_GO,
        "A workflow that runs already is of one workspace and its configuration of the other.",
        "alter table workflow_instances disable trigger begin_workflow; \
         insert into workflow_instances (workspace_id, config_version_id, approval_policy_id, site_id, created_by_user_id) \
           select o.id, w.config_version_id, w.approval_policy_id, w.site_id, w.created_by_user_id from workflow_instances w \
           join workspaces o on o.id <> w.workspace_id limit 1; \
         alter table workflow_instances enable trigger begin_workflow"),
    fault("workflow-never-completes", "executive/runtime-progression", NO_GO,
        "When its last stage is approved a workflow goes on running.",
        "create or replace function complete_workflow(workflow text) returns void language sql as 'select'"),
    fault("performance-index-missing", "performance-indexes/indexes", HOLD,
        "The index by which a workflow finds its stages is missing; everything works, slowly.",
        "drop index workflow_stages_workflow"),
    fault("audit-row-missing", "audit-trail/decision-audited", HOLD,
        "Decisions leave no row in the audit trail.",
        "drop trigger audit_decision on stage_approvals"),
    fault("comment-missing", "documentation/comments", HOLD,
        "A table lacks its description.",
        "comment on table regions is null"),
];
