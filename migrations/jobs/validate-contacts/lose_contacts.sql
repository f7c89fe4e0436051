-- Counts a loss for the contacts of an attempt that died; one whose cycle was stopped did not. Internal. Locks: item_losses.
create function baton_api.lose_contacts(p_attempt baton.attempts, p_reason text, p_now timestamptz) returns void
language plpgsql
as $$
begin
  if p_reason = 'lease_expired' then
    insert into baton.item_losses as l (job, item_id, losses)
    select p_attempt.job, i.id, 1 from unnest(p_attempt.item_ids) as i(id)
    order by i.id
    on conflict (job, item_id) do update set losses = l.losses + 1;
  end if;
end
$$;
comment on function baton_api.lose_contacts is 'Counts a loss for the contacts of an attempt that died (internal).';
