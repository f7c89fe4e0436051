-- Remembers which provider serves each channel, from letters that were submitted. A provider that replaces another one has not
-- asked to wait. Internal. Locks: channels, only when a provider changed.
create function baton_api.note_providers(p_letters jsonb) returns void
language plpgsql
as $$
declare
  v_ids constant uuid[] := array(select (l->>'id')::uuid from jsonb_array_elements(p_letters) as l);
begin
  update baton.channels c
  set provider = b.provider, blocked_until = case when c.provider is null then c.blocked_until end,
      blocked_reason = case when c.provider is null then c.blocked_reason end
  from (
    select o.channel, max(l.provider) as provider
    from jsonb_to_recordset(p_letters) as l(id uuid, provider text)
    join (select o.id, o.channel from baton.messages o where o.id = any (v_ids) offset 0) m on m.id = l.id
    join baton.channels o on o.channel = m.channel and o.provider is distinct from l.provider
    where l.provider is not null
    group by o.channel
    order by o.channel
  ) b
  where c.channel = b.channel;
end
$$;
comment on function baton_api.note_providers is 'Remembers which provider serves each channel (internal).';
