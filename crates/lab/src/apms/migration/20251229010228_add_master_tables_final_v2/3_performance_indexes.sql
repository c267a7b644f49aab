-- What is looked up often is found without reading a whole table.
create index config_versions_workspace_status on config_versions (workspace_id, status);
create index sites_workspace on sites (workspace_id);
create index role_assignments_user on role_assignments (user_id);
create index atp_scopes_config_version on atp_scopes (config_version_id);
create index atp_scope_items_scope on atp_scope_items (atp_scope_id);
create index approval_policies_config_version on approval_policies (config_version_id);
create index approval_policy_stages_policy on approval_policy_stages (approval_policy_id);
create index checklist_templates_config_version on checklist_templates (config_version_id);
create index checklist_items_template on checklist_items (checklist_template_id);
create index document_templates_config_version on document_templates (config_version_id);
create index workflow_instances_config_version on workflow_instances (config_version_id);
create index workflow_instances_workspace_status on workflow_instances (workspace_id, :wf_status);
create index workflow_stages_workflow on workflow_stages (workflow_instance_id);
create index stage_approvals_stage on stage_approvals (workflow_stage_id);
create index audit_logs_entity on audit_logs (entity, entity_id);
