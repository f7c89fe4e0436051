-- Gives the verdict `unknown` to contacts whose attempts died max_attempts times, so that one that kills its worker
-- holds up nobody. Another cycle may try again after a day. Internal; touches nothing in the usual case of no losses.
create function baton_api.give_up_contacts(p_cycle_id uuid, p_now timestamptz) returns void
language sql
as $$
  with hopeless as (
    delete from baton.item_losses l
    using baton.jobs j
    where l.job = 'validate-contacts' and j.name = l.job and l.losses >= j.max_attempts
    returning l.item_id
  ), given_up as (
    update public.contacts c
    set email_validation_status = 'unknown', email_validation_reason = 'gave_up', email_validation_evidence = '{}',
        external_heartbeat_checked_at = p_now, email_validation_retry_at = p_now + interval '1 day',
        email_validation_valid_until = p_now + interval '1 day', email_validation_cycle_id = p_cycle_id
    from hopeless h, jsonb_populate_record(null::public.contacts, jsonb_build_object('id', h.item_id)) k
    where c.id = k.id
    returning 1
  )
  update baton.cycles y set done_items = y.done_items + g.n
  from (select count(*) as n from given_up) g
  where y.id = p_cycle_id and g.n > 0
$$;
comment on function baton_api.give_up_contacts is 'Sets contacts aside whose validation keeps killing its worker (internal).';
