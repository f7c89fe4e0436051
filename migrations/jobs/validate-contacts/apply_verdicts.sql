-- Writes verdicts into the contacts of an attempt: those whose address is still the one that was checked, and whose row nobody
-- holds locked. Answers how many of each status. Internal. Locks: contacts.
create function baton_api.apply_verdicts(p_item_ids text[], p_outcomes jsonb, p_cycle_id uuid, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_counts jsonb;
begin
  with given as (
    select k.id, o.email, o.status, o.reason, o.evidence
    from jsonb_to_recordset(p_outcomes) as o(id text, email text, status text, reason text, evidence jsonb)
    join unnest(p_item_ids) as mine(id) on mine.id = o.id
    cross join lateral jsonb_populate_record(null::public.contacts, jsonb_build_object('id', o.id)) as k
  ), held as (
    -- All that the update needs: joining two lists without statistics again would compare each with each.
    select c.id, c.email_validation_tries as tries, g.status, g.reason, g.evidence
    from public.contacts c join given g on g.id = c.id and g.email = left(c.email, 4097)
    order by c.id
    for update of c skip locked
  ), applied as (
    update public.contacts c
    set email_validation_status = h.status,
        email_validation_reason = h.reason,
        email_validation_evidence = h.evidence,
        external_heartbeat_checked_at = p_now,
        email_validation_cycle_id = p_cycle_id,
        email_validation_tries = case when h.status = 'unknown' then c.email_validation_tries + 1 else 0 end,
        email_validation_retry_at = r.retry_at,
        email_validation_valid_until = coalesce(r.retry_at, p_now + (select s.revalidate_after from baton.settings s))
    from held h
    -- Exponential with full jitter, from 15 minutes to a day, never less than a minute.
    cross join lateral (select case when h.status = 'unknown' then p_now
      + interval '1 minute' + random() * least(86400, 900 * 2 ^ least(h.tries, 10)) * interval '1 second'
      end) as r(retry_at)
    where c.id = h.id
    returning c.email_validation_status as status
  )
  select coalesce(jsonb_object_agg(s.status, s.n), '{}') into v_counts
  from (select a.status, count(*)::int as n from applied a group by a.status) s;
  return v_counts;
end
$$;
comment on function baton_api.apply_verdicts is 'Writes verdicts into the contacts of an attempt (internal).';

-- The same, each contact in a subtransaction of its own. One that raises an error is set aside with it. Internal. Locks: contacts.
create function baton_api.apply_verdicts_one_by_one(p_item_ids text[], p_outcomes jsonb, p_cycle_id uuid, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_item_id text;
  v_one jsonb;
  v_counts jsonb := '{}';
  v_status text;
begin
  foreach v_item_id in array p_item_ids loop
    begin
      v_one := baton_api.apply_verdicts(array[v_item_id], p_outcomes, p_cycle_id, p_now);
      v_status := (select min(k) from jsonb_object_keys(v_one) k);
      if v_status is not null then
        v_counts := v_counts || jsonb_build_object(v_status, coalesce((v_counts->>v_status)::int, 0) + 1);
      end if;
    exception when others then
      perform baton_api.set_item_aside('validate-contacts', v_item_id, sqlstate, sqlerrm, p_now);
    end;
  end loop;
  return v_counts;
end
$$;
comment on function baton_api.apply_verdicts_one_by_one is 'Writes verdicts one by one and sets aside what raises an error (internal).';
