-- Opens an attempt at messages that have its id already, and builds the answer of the claim:
-- {"status": "claimed", "attempt_id", "now", "default_region", "messages": [{"id", "action": send | reconcile, "channel",
--  "recipient", "subject", "text", "fields", "sent": null | {"provider", "address", "subject", "body", "submitting_at", "others"}}]}
-- Internal. Locks: limiter.
create function baton_api.open_message_attempt(
  p_job baton.jobs, p_attempt_id uuid, p_ids uuid[], p_trigger text, p_worker text, p_now timestamptz
) returns jsonb
language plpgsql
as $$
begin
  insert into baton.attempts (id, job, trigger, worker, item_ids, n_items, claimed_at, leased_until)
  values (p_attempt_id, p_job.name, p_trigger, p_worker, p_ids, cardinality(p_ids), p_now, p_now + p_job.lease_seconds * interval '1 second');
  if p_job.rate_per_minute is not null then
    perform baton_api.take_tokens(p_job.name, cardinality(p_ids), p_now);
  end if;
  return (
    select jsonb_build_object('status', 'claimed', 'attempt_id', p_attempt_id, 'now', p_now, 'default_region', s.default_region,
      'messages', coalesce((
        select jsonb_agg(jsonb_build_object(
          'id', m.id, 'action', case m.status when 'unknown' then 'reconcile' else 'send' end, 'channel', m.channel,
          'recipient', m.recipient, 'fields', m.fields,
          'subject', case m.purpose when 'follow_up' then s.follow_up_subject else s.auto_sync_subject end,
          'text', case m.purpose when 'follow_up' then s.follow_up_text else s.auto_sync_text end,
          'sent', case when m.submitting_at is not null then jsonb_build_object('provider', m.provider, 'address', m.address, 'subject', m.subject,
            'body', m.body, 'submitting_at', m.submitting_at,
            'others', array(
              select o.provider_id from baton.messages o
              where o.address = m.address and o.submitting_at > m.submitting_at - interval '1 hour' and o.id <> m.id and o.provider_id is not null)) end) order by m.id)
        from baton.messages m where m.id = any (p_ids)), '[]'))
    from baton.settings s);
end
$$;
comment on function baton_api.open_message_attempt is 'Opens an attempt at messages and builds the answer of its claim (internal).';
