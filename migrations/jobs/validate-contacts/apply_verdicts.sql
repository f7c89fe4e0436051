-- Writes verdicts into the contacts of an attempt: those whose address is still the one that was checked, and whose row nobody
-- holds locked. Answers how many of each status. Internal. Locks: contacts.
create function baton_api.apply_verdicts(p_item_ids text[], p_outcomes jsonb, p_cycle_id uuid, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  -- By the key, because a join of contacts with what was given would be planned for as many contacts as there were once.
  v_given constant jsonb := coalesce((select jsonb_object_agg(o->>'id', o) from jsonb_array_elements(p_outcomes) as o), '{}');
  v_counts jsonb;
begin
  with mine as materialized (
    select k.id from unnest(p_item_ids) as m(id)
    cross join lateral jsonb_populate_record(null::public.contacts, jsonb_build_object('id', m.id)) as k
    where v_given ? m.id
  ), held as materialized (
    select c.id, v_given->c.id::text->>'email' = left(c.email, 4097) as is_same
    from public.contacts c where c.id = any (array(select m.id from mine m)) order by c.id for update skip locked
  ), applied as (
    update public.contacts c
    set (email_validation_status, email_validation_reason, email_validation_evidence, external_heartbeat_checked_at, email_validation_cycle_id,
         email_validation_tries, email_validation_retry_at, email_validation_valid_until) = (
      select g.given->>'status', g.given->>'reason', g.given->'evidence', p_now, p_cycle_id,
             case when r.later is not null then c.email_validation_tries + 1 else 0 end, p_now + r.later,
             p_now + coalesce(r.later, (select s.revalidate_after from baton.settings s))
      from (select v_given->c.id::text as given) g
      -- Exponential with full jitter, from 15 minutes to a day, never less than a minute.
      cross join lateral (select case when g.given->>'status' = 'unknown' then
        interval '1 minute' + random() * least(86400, 900 * 2 ^ least(c.email_validation_tries, 10)) * interval '1 second' end as later) r)
    where c.id = any (array(select h.id from held h where h.is_same))
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
