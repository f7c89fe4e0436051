-- The contacts that a cycle begun at p_as_of has still to validate, at most p_limit (null for all), longest due first:
-- never validated, then unknown and worth another look, then validated too long ago. What became due later
-- belongs to the next cycle, so a cycle ends. A contact that is set aside is left out. Each branch reads its own index, and only as far as needed.
create function baton_api.due_contacts(p_as_of timestamptz, p_stale_before timestamptz, p_cycle_id uuid, p_limit bigint)
returns table (id text, email text)
language sql stable
as $$
  select d.id, d.email from (
    (select c.id::text as id, c.email from public.contacts c
      where c.email is not null and c.email_validation_status is null
        and (c.created_at <= p_as_of or c.created_at is null) and (p_cycle_id is null or c.email_validation_cycle_id is distinct from p_cycle_id)
        and not exists (select from baton.set_aside x where x.job = 'validate-contacts' and x.item_id = c.id::text and (x.retry_at is null or x.retry_at > p_as_of))
      order by c.created_at, c.id limit p_limit)
    union all
    (select c.id::text, c.email from public.contacts c
      where c.email is not null and c.email_validation_status = 'unknown'
        and c.email_validation_retry_at <= p_as_of and (p_cycle_id is null or c.email_validation_cycle_id is distinct from p_cycle_id)
        and not exists (select from baton.set_aside x where x.job = 'validate-contacts' and x.item_id = c.id::text and (x.retry_at is null or x.retry_at > p_as_of))
      order by c.email_validation_retry_at, c.id limit p_limit)
    union all
    (select c.id::text, c.email from public.contacts c
      where c.email is not null and c.email_validation_status is not null and c.email_validation_status <> 'unknown'
        and c.external_heartbeat_checked_at < p_stale_before and (p_cycle_id is null or c.email_validation_cycle_id is distinct from p_cycle_id)
        and not exists (select from baton.set_aside x where x.job = 'validate-contacts' and x.item_id = c.id::text and (x.retry_at is null or x.retry_at > p_as_of))
      order by c.external_heartbeat_checked_at, c.id limit p_limit)
  ) as d
  limit p_limit
$$;
comment on function baton_api.due_contacts is 'The contacts that a cycle has still to validate, longest due first (internal).';
