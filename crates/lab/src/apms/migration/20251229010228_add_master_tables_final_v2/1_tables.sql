-- Sixteen tables of master data and of what runs by it. Their ids are text holding a UUID.
-- One foreign key is real: config_versions.workspace_id. The other references are kept by 2_rules.sql, and audited.
-- 22 CHECKs are meant; `approval_policy_stages_sla_hours_check` was forgotten, so 21 are here.
-- `:wf_status` and `:wf_stage` are named differently from one environment to the other.

create table config_versions (
  id text primary key default gen_random_uuid()::text,
  workspace_id uuid not null,
  source_type text not null,
  version_number integer not null,
  parent_version_id text,
  status text not null default 'DRAFT',
  notes text,
  created_by_user_id text not null,
  activated_at timestamptz,
  created_at timestamptz not null default now(),
  constraint config_versions_workspace_id_fkey foreign key (workspace_id) references workspaces (id) on update cascade on delete restrict,
  constraint config_versions_source_type_check check (source_type in ('MASTER_DATA', 'ATP_MATRIX', 'APPROVAL_MATRIX')),
  constraint config_versions_version_number_check check (version_number > 0),
  constraint config_versions_status_check check (status in ('DRAFT', 'ACTIVE', 'ARCHIVED'))
);
comment on table config_versions is 'A version of a workspace''s configuration: drafted, then active, then archived.';

-- The invariant that everything rests on: one ACTIVE for each workspace and source type.
create unique index config_versions_one_active on config_versions (workspace_id, source_type) where status = 'ACTIVE';

create table vendors (
  id text primary key default gen_random_uuid()::text,
  workspace_id uuid not null,
  name text not null,
  status text not null default 'ACTIVE',
  constraint vendors_status_check check (status in ('ACTIVE', 'INACTIVE'))
);
comment on table vendors is 'Who builds sites for a workspace.';

create table regions (
  id text primary key default gen_random_uuid()::text,
  workspace_id uuid not null,
  code text not null,
  name text not null
);
comment on table regions is 'Regions of a workspace.';

create table sites (
  id text primary key default gen_random_uuid()::text,
  workspace_id uuid not null,
  region_id text not null,
  vendor_id text not null,
  code text not null,
  latitude numeric(9, 6),
  longitude numeric(9, 6),
  status text not null default 'PLANNED',
  constraint sites_latitude_check check (latitude between -90 and 90),
  constraint sites_longitude_check check (longitude between -180 and 180),
  constraint sites_status_check check (status in ('PLANNED', 'INSTALLED', 'ACCEPTED'))
);
comment on table sites is 'Radio sites, each in a region, built by a vendor.';

create table role_assignments (
  id text primary key default gen_random_uuid()::text,
  workspace_id uuid not null,
  user_id text not null,
  role text not null,
  constraint role_assignments_role_check check (role in ('FIELD_ENGINEER', 'REGIONAL_LEAD', 'HEAD_OFFICE', 'ADMIN'))
);
comment on table role_assignments is 'Who may do what in a workspace.';

create table atp_scopes (
  id text primary key default gen_random_uuid()::text,
  config_version_id text not null,
  code text not null,
  category text not null,
  constraint atp_scopes_category_check check (category in ('HARDWARE', 'SOFTWARE', 'BOTH'))
);
comment on table atp_scopes is 'What an acceptance test covers, by configuration.';

create table atp_scope_items (
  id text primary key default gen_random_uuid()::text,
  atp_scope_id text not null,
  position integer not null,
  description text not null,
  constraint atp_scope_items_position_check check (position > 0)
);
comment on table atp_scope_items is 'The parts of a scope.';

create table approval_policies (
  id text primary key default gen_random_uuid()::text,
  config_version_id text not null,
  atp_scope_id text not null,
  name text not null,
  mode text not null default 'SEQUENTIAL',
  constraint approval_policies_mode_check check (mode in ('SEQUENTIAL', 'PARALLEL'))
);
comment on table approval_policies is 'Who must approve a scope, and in which manner.';

create table approval_policy_stages (
  id text primary key default gen_random_uuid()::text,
  approval_policy_id text not null,
  stage_number integer not null,
  role text not null,
  sla_hours integer not null default 48,
  constraint approval_policy_stages_stage_number_check check (stage_number > 0)
);
comment on table approval_policy_stages is 'The stages of a policy in their order.';

create table checklist_templates (
  id text primary key default gen_random_uuid()::text,
  config_version_id text not null,
  atp_scope_id text not null,
  kind text not null,
  title text not null,
  constraint checklist_templates_kind_check check (kind in ('INSTALLATION', 'INTEGRATION', 'ACCEPTANCE'))
);
comment on table checklist_templates is 'Checklists of a configuration.';

create table checklist_items (
  id text primary key default gen_random_uuid()::text,
  checklist_template_id text not null,
  position integer not null,
  question text not null,
  answer_type text not null default 'YES_NO',
  constraint checklist_items_position_check check (position > 0),
  constraint checklist_items_answer_type_check check (answer_type in ('YES_NO', 'NUMBER', 'TEXT', 'PHOTO'))
);
comment on table checklist_items is 'The questions of a checklist.';

create table document_templates (
  id text primary key default gen_random_uuid()::text,
  config_version_id text not null,
  name text not null,
  body text not null
);
comment on table document_templates is 'Documents that a workflow fills in.';

create table workflow_instances (
  id text primary key default gen_random_uuid()::text,
  workspace_id uuid not null,
  config_version_id text not null,
  approval_policy_id text not null,
  site_id text not null,
  :wf_status text not null default 'RUNNING',
  :wf_stage integer not null default 1,
  created_by_user_id text not null,
  created_at timestamptz not null default now(),
  constraint workflow_instances_status_check check (:wf_status in ('RUNNING', 'COMPLETED', 'REJECTED')),
  constraint workflow_instances_stage_check check (:wf_stage > 0)
);
comment on table workflow_instances is 'One acceptance of a site, frozen to the configuration that it was begun under.';

create table workflow_stages (
  id text primary key default gen_random_uuid()::text,
  workflow_instance_id text not null,
  stage_number integer not null,
  role text not null,
  status text not null default 'WAITING',
  constraint workflow_stages_stage_number_check check (stage_number > 0),
  constraint workflow_stages_status_check check (status in ('WAITING', 'PENDING', 'APPROVED', 'REJECTED'))
);
comment on table workflow_stages is 'The stages of a workflow: one is pending at a time.';

create table stage_approvals (
  id text primary key default gen_random_uuid()::text,
  workflow_stage_id text not null,
  approver_user_id text not null,
  decision text not null,
  remark text,
  decided_at timestamptz not null default now(),
  constraint stage_approvals_decision_check check (decision in ('APPROVED', 'REJECTED'))
);
comment on table stage_approvals is 'Who decided a stage, and how.';

create table audit_logs (
  id text primary key default gen_random_uuid()::text,
  workspace_id uuid not null,
  entity text not null,
  entity_id text not null,
  action text not null,
  actor_user_id text,
  details jsonb not null default '{}',
  created_at timestamptz not null default now(),
  constraint audit_logs_action_check check (action in ('CREATED', 'STATUS_CHANGED', 'DECIDED'))
);
comment on table audit_logs is 'What happened; written by triggers.';
