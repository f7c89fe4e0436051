-- Applies what the chunks of an attempt brought: records, removals, new chunks, findings, a source's wish for patience. Internal;
-- the caller has locked the groups. Locks: items, sync job.
create function baton_api.apply_chunk_results(p_job baton.jobs, p_attempt baton.attempts, p_outcomes jsonb, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_chunk record;
  v_brought int;
  v_pruned int;
begin
  for v_chunk in
    select i.id, o.given, j.id as sync_job_id, j.source, o.given->'chunks' as chunks
    from jsonb_array_elements(p_outcomes) as o(given)
    join baton.items i on i.id = (o.given->>'id')::uuid and i.id::text = any (p_attempt.item_ids)
    join baton.sync_jobs j on j.id = i.group_id
    where baton_api.brings_something(o.given)
    order by i.group_id, i.id
  loop
    if v_chunk.given ? 'items' then
      -- What another chunk of this sync job brought is not counted again.
      select count(*) into v_brought
      from jsonb_to_recordset(v_chunk.given->'items') as i(id text)
      where (select e.sync_job_id from public.synced_emails e where e.source = v_chunk.source and e.id = i.id) is distinct from v_chunk.sync_job_id;
      update baton.items i set brought = i.brought + v_brought where i.id = v_chunk.id;
      insert into public.synced_emails as e (source, id, sync_job_id, thread_id, blob_id, mailbox_ids, keywords, message_id,
        subject, preview, sender, recipients, received_at, sent_at, size, has_attachment, payload, synced_at)
      select distinct on (i.id) v_chunk.source, i.id, v_chunk.sync_job_id, i.thread_id, i.blob_id, i.mailbox_ids, i.keywords, i.message_id,
        i.subject, i.preview, i.sender, i.recipients, i.received_at, i.sent_at, i.size, i.has_attachment, i.payload, p_now
      from jsonb_to_recordset(v_chunk.given->'items') as i(id text, thread_id text, blob_id text, mailbox_ids text[], keywords text[],
        message_id text[], subject text, preview text, sender jsonb, recipients jsonb, received_at timestamptz, sent_at timestamptz,
        size bigint, has_attachment boolean, payload jsonb)
      order by i.id
      on conflict (source, id) do update set
        sync_job_id = excluded.sync_job_id, thread_id = excluded.thread_id, blob_id = excluded.blob_id, mailbox_ids = excluded.mailbox_ids,
        keywords = excluded.keywords, message_id = excluded.message_id, subject = excluded.subject, preview = excluded.preview,
        sender = excluded.sender, recipients = excluded.recipients, received_at = excluded.received_at, sent_at = excluded.sent_at,
        size = excluded.size, has_attachment = excluded.has_attachment, payload = excluded.payload, synced_at = excluded.synced_at;
    end if;
    if v_chunk.given ? 'removed' then
      delete from public.synced_emails e
      where e.source = v_chunk.source and e.id in (select jsonb_array_elements_text(v_chunk.given->'removed'));
    end if;
    if v_chunk.given->'prune' = 'true' then
      delete from public.synced_emails e where (e.source, e.id) in (
        select s.source, s.id from public.synced_emails s
        where s.source = v_chunk.source and s.sync_job_id is distinct from v_chunk.sync_job_id limit 1000);
      get diagnostics v_pruned = row_count;
      if v_pruned = 1000 then
        v_chunk.chunks := '[{"do": "prune"}]';
      end if;
    end if;
    if v_chunk.given ?| array['plan', 'state'] then
      update baton.sync_jobs j
      set plan = j.plan || coalesce(v_chunk.given->'plan', '{}'), state = coalesce(v_chunk.given->>'state', j.state),
          -- A source that cannot tell changes is listed from the beginning.
          kind = case when v_chunk.chunks @> '[{"do": "plan"}]' then 'full' else j.kind end
      where j.id = v_chunk.sync_job_id;
      update baton.item_groups g set changes = g.changes + 1 where g.id = v_chunk.sync_job_id;
    end if;
    if v_chunk.chunks is not null and exists (select from baton.item_groups g where g.id = v_chunk.sync_job_id and g.state = 'open') then
      perform baton_api.enqueue_in_group(p_job, v_chunk.sync_job_id, v_chunk.chunks, p_now);
    end if;
    if v_chunk.given->>'outcome' = 'wait' then
      update baton.item_groups g
      set blocked_until = greatest(case when not baton_api.is_past(g.blocked_until, p_now, interval '1 hour') then g.blocked_until end, p_now + least(greatest(coalesce((v_chunk.given->>'wait')::int, 30), 1), 3600) * interval '1 second'),
          blocked_reason = v_chunk.given->>'error'
      where g.id = v_chunk.sync_job_id;
    elsif v_chunk.given->>'outcome' = 'refused' then
      update baton.sync_jobs j set status = 'failed', completed_at = p_now, error_message = v_chunk.given->>'error'
      where j.id = v_chunk.sync_job_id and j.status in ('pending', 'processing');
      update baton.item_groups g set state = 'draining' where g.id = v_chunk.sync_job_id and g.state = 'open';
    end if;
  end loop;
end
$$;
comment on function baton_api.apply_chunk_results is 'Applies what chunks brought (internal).';
