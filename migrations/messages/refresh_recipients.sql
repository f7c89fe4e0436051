-- Gives messages of a job the recipient, the way and the time zones that the application has for them now, so that a correction
-- reaches what was reserved before it. Where no address is left, the recipient is ''. A message whose record is gone stays as it is.
-- What is no key names no record. Internal. Wants the messages locked.
create function baton_api.refresh_recipients(p_job text, p_ids uuid[]) returns void
language plpgsql
as $$
begin
  if p_job = 'follow-up-reminders' then
    update baton.messages m
    set channel = coalesce(r.channel, m.channel), recipient = r.recipient, time_zones = n.zones
    from (select l.id, l.subject_id from baton.messages l where l.id = any (p_ids)) l
    cross join lateral jsonb_populate_record(null::public.assignments, jsonb_build_object('id', l.subject_id)) k
    join public.assignments a on a.id = k.id
    cross join lateral baton_api.message_route(a.peer_mentor_phone, a.peer_mentor_email) r
    cross join lateral (select array_remove(array[a.timezone], null) as zones) n
    where m.id = l.id
      and (m.channel, m.recipient, m.time_zones) is distinct from (coalesce(r.channel, m.channel), r.recipient, n.zones);
  else
    update baton.messages m
    set channel = coalesce(r.channel, m.channel), recipient = r.recipient, time_zones = n.zones
    from (select l.id, l.subject_id::uuid as sync_id, l.recipient_id::uuid as member_id from baton.messages l where l.id = any (p_ids)) l
    join public.auto_syncs s on s.id = l.sync_id
    join public.crew_members c on c.id = l.member_id
    cross join lateral baton_api.message_route(c.phone, c.email) r
    cross join lateral (select array_remove(array[c.timezone, s.timezone], null) as zones) n
    where m.id = l.id
      and (m.channel, m.recipient, m.time_zones) is distinct from (coalesce(r.channel, m.channel), r.recipient, n.zones);
  end if;
exception when data_exception then
  null;
end
$$;
comment on function baton_api.refresh_recipients is 'Gives messages the recipients that the application has for them now (internal).';
