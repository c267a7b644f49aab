-- Two workspaces that both work: isolation that is tried on one alone proves nothing.
insert into workspaces (name) values ('XLSMART-AVIAT'), ('INDOSAT-NEC');
insert into users (email, full_name, status) values
  ('admin@apms.invalid', 'Adi Admin', 'ACTIVE'),
  ('lead@apms.invalid', 'Rina Lead', 'ACTIVE'),
  ('engineer@apms.invalid', 'Budi Engineer', 'ACTIVE'),
  ('former@apms.invalid', 'Sari Former', 'INACTIVE');

insert into role_assignments (workspace_id, user_id, role)
  select w.id, u.id, r.role from workspaces w
  cross join (values ('admin@apms.invalid', 'ADMIN'), ('lead@apms.invalid', 'REGIONAL_LEAD'),
    ('engineer@apms.invalid', 'FIELD_ENGINEER')) r (email, role)
  join users u on u.email = r.email;
insert into vendors (workspace_id, name) select id, 'Aviat Networks' from workspaces;
insert into regions (workspace_id, code, name) select id, 'JABO', 'Jabodetabek' from workspaces;
insert into sites (workspace_id, region_id, vendor_id, code, latitude, longitude, status)
  select r.workspace_id, r.id, v.id, 'JKT-' || n, -6.2, 106.8, 'INSTALLED'
  from regions r join vendors v on v.workspace_id = r.workspace_id cross join generate_series(1, 3) n;

-- In each workspace an acceptance matrix, whose first version is archived and whose second is active.
insert into config_versions (workspace_id, source_type, notes, created_by_user_id)
  select w.id, 'ATP_MATRIX', 'first', u.id from workspaces w join users u on u.email = 'admin@apms.invalid';
update config_versions set status = 'ACTIVE';
update config_versions set status = 'ARCHIVED';
insert into config_versions (workspace_id, source_type, notes, created_by_user_id)
  select w.id, 'ATP_MATRIX', 'second', u.id from workspaces w join users u on u.email = 'admin@apms.invalid';
insert into atp_scopes (config_version_id, code, category)
  select id, 'MW-LINK', 'BOTH' from config_versions where status = 'DRAFT';
insert into atp_scope_items (atp_scope_id, position, description)
  select s.id, i.position, i.description from atp_scopes s
  cross join (values (1, 'Antenna alignment'), (2, 'Receive level'), (3, 'Bit error rate')) i (position, description);
insert into approval_policies (config_version_id, atp_scope_id, name)
  select config_version_id, id, 'Regional, then head office' from atp_scopes;
insert into approval_policy_stages (approval_policy_id, stage_number, role)
  select p.id, s.stage_number, s.role from approval_policies p
  cross join (values (1, 'REGIONAL_LEAD'), (2, 'HEAD_OFFICE')) s (stage_number, role);
insert into checklist_templates (config_version_id, atp_scope_id, kind, title)
  select config_version_id, id, 'ACCEPTANCE', 'Microwave link acceptance' from atp_scopes;
insert into checklist_items (checklist_template_id, position, question, answer_type)
  select t.id, i.position, i.question, i.answer_type from checklist_templates t
  cross join (values (1, 'Is the antenna aligned?', 'YES_NO'), (2, 'Receive level in dBm', 'NUMBER')) i (position, question, answer_type);
insert into document_templates (config_version_id, name, body)
  select id, 'Acceptance certificate', 'Site {{site}} was accepted on {{date}}.' from config_versions where status = 'DRAFT';
update config_versions set status = 'ACTIVE' where status = 'DRAFT';

-- One workflow runs in each workspace; its first stage was approved.
insert into workflow_instances (workspace_id, config_version_id, approval_policy_id, site_id, created_by_user_id)
  select c.workspace_id, c.id, p.id, (select s.id from sites s where s.workspace_id = c.workspace_id order by s.code limit 1), u.id
  from config_versions c join approval_policies p on p.config_version_id = c.id join users u on u.email = 'engineer@apms.invalid'
  where c.status = 'ACTIVE';
insert into stage_approvals (workflow_stage_id, approver_user_id, decision)
  select s.id, u.id, 'APPROVED' from workflow_stages s join users u on u.email = 'lead@apms.invalid' where s.stage_number = 1;
