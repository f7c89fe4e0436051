-- Reserves reminders about assignments, [{"id", "since"}], for an attempt. The unique key of messages is what
-- makes a second one in a period impossible; last_reminder_at is what makes them come a period apart.
-- Answers the ids of the messages and how many assignments were seen to; an assignment that somebody holds locked stays
-- due, and one without any address has a message that failed. Internal. Locks: assignments.
create function baton_api.reserve_reminders_of(p_due jsonb, p_attempt_id uuid, p_now timestamptz, out ids uuid[], out seen int)
language plpgsql
as $$
begin
  -- Assignments are read and written by their keys and joined in memory, because a plan that was made when there were few may
  -- read all of them.
  with due as materialized (
    select k.id as key, d.id, d.since from jsonb_to_recordset(p_due) as d(id text, since timestamptz)
    cross join lateral jsonb_populate_record(null::public.assignments, jsonb_build_object('id', d.id)) as k
  ), held as materialized (
    select a.id as key from public.assignments a where a.id = any (array(select d.key from due d)) order by a.id for update skip locked
  ), written as (
    update public.assignments a set last_reminder_at = p_now where a.id = any (array(select h.key from held h))
    returning a.id as key, a.peer_mentor_name, a.peer_mentor_phone, a.peer_mentor_email, a.contact_name, a.timezone
  ), marked as materialized (
    select d.id, d.since, w.* from written w join due d on d.key = w.key
  ), reserved as (
    insert into baton.messages (job, purpose, subject_id, recipient_id, period_start, channel, recipient, time_zones, fields,
      status, reason, ended_at, attempt_id, expires_at, created_at)
    select 'follow-up-reminders', 'follow_up', m.id, '',
           to_timestamp(floor(extract(epoch from p_now) / p.seconds) * p.seconds),
           r.channel, r.recipient,
           array_remove(array[m.timezone], null),
           jsonb_build_object('name', baton_api.plain_words(m.peer_mentor_name, 60), 'contact_name', baton_api.plain_words(m.contact_name, 60), 'assignment_id', m.id,
             'days', case when isfinite(m.since) then floor(extract(epoch from p_now - m.since) / 86400)::int end),
           case when r.channel is null then 'failed' else 'reserved' end,
           case when r.channel is null then 'no_address' end,
           case when r.channel is null then p_now end,
           case when r.channel is not null then p_attempt_id end,
           p_now + s.follow_up_every, p_now
    from marked m cross join baton.settings s
    cross join lateral baton_api.message_route(m.peer_mentor_phone, m.peer_mentor_email) r
    cross join lateral (select extract(epoch from s.follow_up_every) as seconds) p
    on conflict do nothing
    returning messages.id, messages.attempt_id
  )
  select coalesce(array_agg(r.id) filter (where r.attempt_id is not null), '{}'), (select count(*) from marked)
  into ids, seen
  from reserved r;
end
$$;
comment on function baton_api.reserve_reminders_of is 'Reserves reminders about these assignments (internal).';
