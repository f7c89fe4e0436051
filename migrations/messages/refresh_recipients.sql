-- Gives messages of a job the recipient, the way and the time zones that the application has for them now, so that a correction
-- reaches what was reserved before it. Where no address is left, the recipient is ''. A message whose record is gone stays as it is.
-- What is no key names no record. Internal. Wants the messages locked.
create function baton_api.refresh_recipients(p_job text, p_ids uuid[]) returns void
language plpgsql
as $$
begin
  -- Read and written by their keys and joined in memory, because a plan that was made when there were few may read all of them.
  if p_job = 'follow-up-reminders' then
    with mine as materialized (
      select l.id, l.channel, l.recipient, l.time_zones, k.id as key from baton.messages l
      cross join lateral jsonb_populate_record(null::public.assignments, jsonb_build_object('id', l.subject_id)) k
      where l.id = any (p_ids)
    ), people as materialized (
      select a.id as key, a.peer_mentor_phone as phone, a.peer_mentor_email as email, array_remove(array[a.timezone], null) as zones
      from public.assignments a where a.id = any (array(select m.key from mine m))
    ), news as materialized (
      select m.id, coalesce(r.channel, m.channel) as channel, r.recipient, p.zones
      from mine m join people p on p.key = m.key
      cross join lateral baton_api.message_route(p.phone, p.email) r
      where (m.channel, m.recipient, m.time_zones) is distinct from (coalesce(r.channel, m.channel), r.recipient, p.zones)
    )
    update baton.messages m
    set (channel, recipient, time_zones) = (select n.channel, n.recipient, n.zones from news n where n.id = m.id)
    where m.id = any (array(select n.id from news n));
  else
    with mine as materialized (
      select l.id, l.channel, l.recipient, l.time_zones, l.subject_id::uuid as sync_id, l.recipient_id::uuid as member_id
      from baton.messages l where l.id = any (p_ids)
    ), syncs as materialized (
      select s.id, s.timezone from public.auto_syncs s where s.id = any (array(select m.sync_id from mine m))
    ), people as materialized (
      select c.id, c.phone, c.email, c.timezone from public.crew_members c where c.id = any (array(select m.member_id from mine m))
    ), news as materialized (
      select m.id, coalesce(r.channel, m.channel) as channel, r.recipient, z.zones
      from mine m join syncs s on s.id = m.sync_id join people p on p.id = m.member_id
      cross join lateral baton_api.message_route(p.phone, p.email) r
      cross join lateral (select array_remove(array[p.timezone, s.timezone], null) as zones) z
      where (m.channel, m.recipient, m.time_zones) is distinct from (coalesce(r.channel, m.channel), r.recipient, z.zones)
    )
    update baton.messages m
    set (channel, recipient, time_zones) = (select n.channel, n.recipient, n.zones from news n where n.id = m.id)
    where m.id = any (array(select n.id from news n));
  end if;
exception when data_exception then
  null;
end
$$;
comment on function baton_api.refresh_recipients is 'Gives messages the recipients that the application has for them now (internal).';
