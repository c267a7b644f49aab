-- The rules that make up for missing foreign keys, and those that no key could express.

-- A version follows the newest of its workspace and source type.
create function number_config_version() returns trigger language plpgsql as $$
declare
  newest record;
begin
  select id, version_number into newest from config_versions
    where workspace_id = new.workspace_id and source_type = new.source_type
    order by version_number desc limit 1;
  new.version_number := coalesce(newest.version_number, 0) + 1;
  new.parent_version_id := newest.id;
  return new;
end $$;
create trigger number_config_version before insert on config_versions for each row execute function number_config_version();

-- DRAFT becomes ACTIVE, ACTIVE becomes ARCHIVED, a draft may be given up, and nothing else.
create function walk_config_lifecycle() returns trigger language plpgsql as $$
begin
  if old.status = new.status then
    return new;
  end if;
  if (old.status, new.status) not in (('DRAFT', 'ACTIVE'), ('ACTIVE', 'ARCHIVED'), ('DRAFT', 'ARCHIVED')) then
    raise exception 'a configuration does not go from % to %', old.status, new.status using errcode = 'check_violation';
  end if;
  if new.status = 'ACTIVE' then
    new.activated_at := now();
  end if;
  return new;
end $$;
create trigger walk_config_lifecycle before update on config_versions for each row execute function walk_config_lifecycle();

-- What is active, or was begun under, stays.
create function keep_active_config() returns trigger language plpgsql as $$
begin
  if old.status = 'ACTIVE' then
    raise exception 'the ACTIVE configuration % cannot be deleted', old.id using errcode = 'restrict_violation';
  end if;
  if exists (select from workflow_instances where config_version_id = old.id) then
    raise exception 'workflows run by the configuration %', old.id using errcode = 'foreign_key_violation';
  end if;
  return old;
end $$;
create trigger keep_active_config before delete on config_versions for each row execute function keep_active_config();

-- What is not a draft any more is not edited.
create function keep_config_content() returns trigger language plpgsql as $$
declare
  config text := case when tg_op = 'DELETE' then old.config_version_id else new.config_version_id end;
begin
  if exists (select from config_versions where id = config and status <> 'DRAFT') then
    raise exception 'the content of configuration % is frozen', config using errcode = 'restrict_violation';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger keep_config_content before insert or update or delete on atp_scopes
  for each row execute function keep_config_content();
create trigger keep_config_content before insert or update or delete on approval_policies
  for each row execute function keep_config_content();
create trigger keep_config_content before insert or update or delete on checklist_templates
  for each row execute function keep_config_content();
create trigger keep_config_content before insert or update or delete on document_templates
  for each row execute function keep_config_content();

-- Deleting a parent deletes what belongs to it.
create function cascade_config_version() returns trigger language plpgsql as $$
begin
  delete from document_templates where config_version_id = old.id;
  delete from checklist_templates where config_version_id = old.id;
  delete from approval_policies where config_version_id = old.id;
  delete from atp_scopes where config_version_id = old.id;
  return null;
end $$;
create trigger cascade_config_version after delete on config_versions for each row execute function cascade_config_version();

create function cascade_atp_scope() returns trigger language plpgsql as $$
begin
  delete from atp_scope_items where atp_scope_id = old.id;
  return null;
end $$;
create trigger cascade_atp_scope after delete on atp_scopes for each row execute function cascade_atp_scope();

create function cascade_approval_policy() returns trigger language plpgsql as $$
begin
  delete from approval_policy_stages where approval_policy_id = old.id;
  return null;
end $$;
create trigger cascade_approval_policy after delete on approval_policies for each row execute function cascade_approval_policy();

create function cascade_checklist_template() returns trigger language plpgsql as $$
begin
  delete from checklist_items where checklist_template_id = old.id;
  return null;
end $$;
create trigger cascade_checklist_template after delete on checklist_templates
  for each row execute function cascade_checklist_template();

create function cascade_workflow_instance() returns trigger language plpgsql as $$
begin
  delete from workflow_stages where workflow_instance_id = old.id;
  return null;
end $$;
create trigger cascade_workflow_instance after delete on workflow_instances
  for each row execute function cascade_workflow_instance();

create function cascade_workflow_stage() returns trigger language plpgsql as $$
begin
  delete from stage_approvals where workflow_stage_id = old.id;
  return null;
end $$;
create trigger cascade_workflow_stage after delete on workflow_stages for each row execute function cascade_workflow_stage();

-- A workflow begins under the ACTIVE configuration of its own workspace.
create function begin_workflow() returns trigger language plpgsql as $$
begin
  if not exists (select from config_versions
      where id = new.config_version_id and workspace_id = new.workspace_id and status = 'ACTIVE') then
    raise exception 'workspace % has no ACTIVE configuration %', new.workspace_id, new.config_version_id
      using errcode = 'foreign_key_violation';
  end if;
  if not exists (select from approval_policies
      where id = new.approval_policy_id and config_version_id = new.config_version_id) then
    raise exception 'configuration % has no policy %', new.config_version_id, new.approval_policy_id
      using errcode = 'foreign_key_violation';
  end if;
  return new;
end $$;
create trigger begin_workflow before insert on workflow_instances for each row execute function begin_workflow();

create function open_workflow_stages() returns trigger language plpgsql as $$
begin
  insert into workflow_stages (workflow_instance_id, stage_number, role, status)
    select new.id, stage_number, role, case when stage_number = 1 then 'PENDING' else 'WAITING' end
    from approval_policy_stages where approval_policy_id = new.approval_policy_id;
  return null;
end $$;
create trigger open_workflow_stages after insert on workflow_instances for each row execute function open_workflow_stages();

-- Frozen by reference: what a workflow was begun under it keeps.
create function freeze_workflow_config() returns trigger language plpgsql as $$
begin
  if new.config_version_id is distinct from old.config_version_id then
    raise exception 'workflow % is frozen to configuration %', old.id, old.config_version_id using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger freeze_workflow_config before update on workflow_instances for each row execute function freeze_workflow_config();

-- Only the pending stage is decided; an approval opens the next one, or ends the workflow.
create function take_decision() returns trigger language plpgsql as $$
begin
  if not exists (select from workflow_stages where id = new.workflow_stage_id and status = 'PENDING') then
    raise exception 'stage % is not pending', new.workflow_stage_id using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger take_decision before insert on stage_approvals for each row execute function take_decision();

create function open_next_stage(workflow text, decided integer) returns void language plpgsql as $$
begin
  update workflow_stages set status = 'PENDING' where workflow_instance_id = workflow and stage_number = decided + 1;
  if found then
    update workflow_instances set :wf_stage = decided + 1 where id = workflow;
  end if;
end $$;

create function complete_workflow(workflow text) returns void language plpgsql as $$
begin
  if not exists (select from workflow_stages where workflow_instance_id = workflow and status <> 'APPROVED') then
    update workflow_instances set :wf_status = 'COMPLETED' where id = workflow;
  end if;
end $$;

create function advance_workflow() returns trigger language plpgsql as $$
declare
  stage record;
begin
  update workflow_stages set status = new.decision where id = new.workflow_stage_id
    returning workflow_instance_id, stage_number into stage;
  if new.decision = 'REJECTED' then
    update workflow_instances set :wf_status = 'REJECTED' where id = stage.workflow_instance_id;
  else
    perform open_next_stage(stage.workflow_instance_id, stage.stage_number);
    perform complete_workflow(stage.workflow_instance_id);
  end if;
  return null;
end $$;
create trigger advance_workflow after insert on stage_approvals for each row execute function advance_workflow();

-- What happened is written down where it happens.
create function audit_config_version() returns trigger language plpgsql as $$
begin
  insert into audit_logs (workspace_id, entity, entity_id, action, actor_user_id, details)
    values (new.workspace_id, 'config_version', new.id, case when tg_op = 'INSERT' then 'CREATED' else 'STATUS_CHANGED' end,
      new.created_by_user_id, jsonb_build_object('status', new.status, 'version', new.version_number));
  return null;
end $$;
create trigger audit_config_version_made after insert on config_versions for each row execute function audit_config_version();
create trigger audit_config_version_moved after update on config_versions for each row
  when (old.status is distinct from new.status) execute function audit_config_version();

create function audit_workflow() returns trigger language plpgsql as $$
begin
  insert into audit_logs (workspace_id, entity, entity_id, action, actor_user_id, details)
    values (new.workspace_id, 'workflow_instance', new.id, 'CREATED', new.created_by_user_id,
      jsonb_build_object('config_version', new.config_version_id));
  return null;
end $$;
create trigger audit_workflow after insert on workflow_instances for each row execute function audit_workflow();

create function audit_decision() returns trigger language plpgsql as $$
begin
  insert into audit_logs (workspace_id, entity, entity_id, action, actor_user_id, details)
    select w.workspace_id, 'workflow_stage', s.id, 'DECIDED', new.approver_user_id, jsonb_build_object('decision', new.decision)
    from workflow_stages s join workflow_instances w on w.id = s.workflow_instance_id
    where s.id = new.workflow_stage_id;
  return null;
end $$;
create trigger audit_decision after insert on stage_approvals for each row execute function audit_decision();

-- What somebody who works in a workspace is shown: its rows, and no other's.
create function visible_in(workspace uuid) returns table (entity text, id text, workspace_id uuid)
language sql stable as $$
  select 'config_version', c.id, c.workspace_id from config_versions c where c.workspace_id = workspace
  union all select 'vendor', v.id, v.workspace_id from vendors v where v.workspace_id = workspace
  union all select 'site', s.id, s.workspace_id from sites s where s.workspace_id = workspace
  union all select 'workflow_instance', w.id, w.workspace_id from workflow_instances w where w.workspace_id = workspace
  union all select 'atp_scope', a.id, c.workspace_id from atp_scopes a
    join config_versions c on c.id = a.config_version_id where c.workspace_id = workspace
$$;
