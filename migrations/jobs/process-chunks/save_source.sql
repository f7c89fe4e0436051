-- Adds a source, or changes the one of this name. p_secret null keeps the one that is stored. p_settings: what the protocol
-- needs to know, and max_parallel, by default 4 (RFC 8620, section 2: as few as a server may allow), or no limit for chunks that ask
-- no server. A source whose address or user changed is synced from the beginning; the stored secret of one that moved to another
-- server or user is forgotten, or another would get it. Patience that it asked for ends. For operators. Locks: group, source.
-- Answers {"source", "created"}. A value out of range raises the name of the constraint that says so.
create function baton_api.save_source(
  p_name text, p_kind text, p_url text, p_username text, p_secret text, p_settings jsonb, p_who text
) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_old baton.sources;
  v_created boolean;
  v_group_id uuid;
begin
  select g.id into v_group_id from baton.item_groups g
  where g.id = (select j.id from baton.sync_jobs j where j.source = p_name order by j.created_at desc, j.id desc limit 1)
  for no key update;
  select s.* into v_old from baton.sources s where s.name = p_name for update;
  insert into baton.sources as s (name, kind, url, username, settings, max_parallel)
  values (p_name, p_kind, p_url, p_username, p_settings - 'max_parallel', coalesce((p_settings->>'max_parallel')::int, case p_kind when 'noop' then 64 else 4 end))
  on conflict (name) do update set
    kind = excluded.kind, url = excluded.url, username = excluded.username, settings = excluded.settings, max_parallel = excluded.max_parallel,
    state = case when (s.kind, s.url, s.username, s.settings->'account') is not distinct from
      (excluded.kind, excluded.url, excluded.username, excluded.settings->'account') then s.state end,
    changed_at = baton.clock()
  returning v_old.name is null into v_created;
  update baton.item_groups g
  set max_parallel = s.max_parallel, changes = g.changes + 1, blocked_until = null, blocked_reason = null
  from baton.sources s where g.id = v_group_id and s.name = p_name;
  if (v_old.kind, lower(substring(v_old.url from '^[^:]+://[^/?#]*')), v_old.username)
     is distinct from (p_kind, lower(substring(p_url from '^[^:]+://[^/?#]*')), p_username) then
    delete from baton.source_secrets k where k.source = p_name;
  end if;
  if p_secret is not null then
    insert into baton.source_secrets (source, secret) values (p_name, p_secret)
    on conflict (source) do update set secret = excluded.secret, changed_at = baton.clock();
  end if;
  insert into baton.events (noun, noun_id, to_state, who)
  values ('source', p_name, case when v_created then 'added' else 'changed' end, p_who);
  return jsonb_build_object('source', p_name, 'created', v_created);
end
$$;
comment on function baton_api.save_source is 'Adds a source to sync, or changes it.';
