-- Gives the verdict `unknown` to contacts whose attempts died max_attempts times, so that a poison contact is isolated.
-- Another cycle may try again after a day. A row that cannot be written is set aside instead.
-- Internal; touches nothing in the usual case of no losses. Locks: item_losses, contacts, cycle.
create function baton_api.give_up_contacts(p_cycle_id uuid, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_item_id text;
  v_given_up int := 0;
begin
  for v_item_id in
    delete from baton.item_losses l
    using baton.jobs j
    where l.job = 'validate-contacts' and j.name = l.job and l.losses >= j.max_attempts
    returning l.item_id
  loop
    begin
      update public.contacts c
      set email_validation_status = 'unknown', email_validation_reason = 'gave_up', email_validation_evidence = '{}',
          external_heartbeat_checked_at = p_now, email_validation_retry_at = p_now + interval '1 day',
          email_validation_valid_until = p_now + interval '1 day', email_validation_cycle_id = p_cycle_id
      from jsonb_populate_record(null::public.contacts, jsonb_build_object('id', v_item_id)) k
      where c.id = k.id;
      v_given_up := v_given_up + 1;
    exception when others then
      perform baton_api.set_item_aside('validate-contacts', v_item_id, sqlstate, sqlerrm, p_now);
    end;
  end loop;
  if v_given_up > 0 then
    update baton.cycles y set done_items = y.done_items + v_given_up where y.id = p_cycle_id;
  end if;
end
$$;
comment on function baton_api.give_up_contacts is 'Sets contacts aside whose validation keeps killing its worker (internal).';
