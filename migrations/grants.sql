-- Who may call what. Applied at every migration, so that roles which a restored database lacks come back.
-- Revoked here and not by default privileges, which would reach the application's own functions.
revoke execute on all functions in schema baton, baton_api, baton_board from public;

select baton.allow('scheduler', 'end_dead_attempts', 'due_work', 'prune', 'plan_slots', 'readiness', 'record_tick');
-- Baton's own jobs have theirs in `register.sql`.
select baton.allow(j.name, 'claim_items', 'settle_items', 'settle_items_as_text', 'extend_attempt') from baton.jobs j where j.kind in ('queue', 'rows');

-- People, the console and metrics read the views. A view runs its functions with the rights of its reader.
select baton.allow('viewer', 'get_active_advisory_locks', 'explain_job', 'mask_secrets');
do $$
declare
  v_viewer constant text := baton.component_role('viewer');
  v_member text;
begin
  execute format('grant usage on schema baton_board to %I', v_viewer);
  execute format('grant select on all tables in schema baton_board to %I', v_viewer);
  execute format('grant execute on function baton.clock() to %I', v_viewer);

  -- Earlier releases had two roles for all databases of a server. Readers keep what they could read; a role stays while
  -- another database gives it rights, or while somebody logs in with it.
  for v_member in
    select m.rolname from pg_auth_members a join pg_roles g on g.oid = a.roleid join pg_roles m on m.oid = a.member
    where g.rolname = 'baton_viewer'
  loop
    execute format('grant %I to %I', v_viewer, v_member);
  end loop;
  for v_member in
    select r.rolname from pg_roles r where r.rolname in ('baton_worker', 'baton_viewer') and not r.rolcanlogin
  loop
    begin
      execute format('drop role %I', v_member);
    exception when dependent_objects_still_exist or insufficient_privilege or undefined_object or object_in_use then
      null;
    end;
  end loop;
end
$$;
