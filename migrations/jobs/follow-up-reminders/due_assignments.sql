-- The assignments that a cycle of reminders has still to remind of, at most p_limit (null for all), longest due first: never
-- reminded of since their last contact, and that too long ago; then reminded of at least a period ago, without contact since.
-- What became due after the cycle's start belongs to the next one, so a cycle ends. Without a cycle: what is due now.
-- Each branch reads its own index, and only as far as needed. Internal.
create function baton_api.due_assignments(p_cycle_id uuid, p_limit bigint)
returns table (id text, since timestamptz)
language sql stable
as $$
  select d.id, d.since
  from (select coalesce((select c.started_at from baton.cycles c where c.id = p_cycle_id), baton.clock()) as as_of) t
  cross join baton.settings s
  cross join lateral (
    (select a.id::text as id, coalesce(a.last_contact_date, a.created_at) as since from public.assignments a
      where a.status = 'active' and not exists (select from baton.set_aside x where x.job = 'follow-up-reminders' and x.item_id = a.id::text and (x.retry_at is null or x.retry_at > t.as_of))
        and (a.last_reminder_at is null or a.last_reminder_at < coalesce(a.last_contact_date, a.created_at))
        and coalesce(a.last_contact_date, a.created_at) <= t.as_of - s.follow_up_after
      order by coalesce(a.last_contact_date, a.created_at) limit p_limit)
    union all
    (select a.id::text, coalesce(a.last_contact_date, a.created_at) from public.assignments a
      where a.status = 'active' and not exists (select from baton.set_aside x where x.job = 'follow-up-reminders' and x.item_id = a.id::text and (x.retry_at is null or x.retry_at > t.as_of))
        and a.last_reminder_at >= coalesce(a.last_contact_date, a.created_at)
        and a.last_reminder_at <= t.as_of - s.follow_up_every
      order by a.last_reminder_at limit p_limit)
  ) as d
  limit p_limit
$$;
comment on function baton_api.due_assignments is 'The assignments that a cycle has still to remind of, longest due first (internal).';
