-- Applies what the chunks in p_ids brought: items, removals, new chunks, findings, the wish to be left alone. Internal.
-- Locks: sync job, source.
create function baton_api.apply_chunk_results(p_outcomes jsonb, p_ids uuid[], p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_chunk record;
  v_known int;
  v_pruned int;
begin
  for v_chunk in
    select q.id, o.value as given, q.parent_sync_job_id as sync_job_id, j.source, o.value->'chunks' as chunks
    from jsonb_array_elements(p_outcomes) o
    join baton.chunk_processing_queue q on q.id = (o.value->>'id')::uuid and q.id = any (p_ids)
    join baton.sync_jobs j on j.id = q.parent_sync_job_id
    order by q.parent_sync_job_id, q.rank
  loop
    if v_chunk.given ? 'items' then
      -- What another chunk of this sync job brought is not counted again.
      select count(*) into v_known
      from jsonb_to_recordset(v_chunk.given->'items') as i(id text)
      where (select e.sync_job_id from public.synced_emails e where e.source = v_chunk.source and e.id = i.id) = v_chunk.sync_job_id;
      if v_known > 0 then
        update baton.chunk_processing_queue q set items = q.items - v_known where q.id = v_chunk.id;
      end if;
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
    end if;
    if v_chunk.chunks is not null and exists (
      select from baton.sync_jobs j where j.id = v_chunk.sync_job_id and j.status in ('pending', 'processing')
    ) then
      perform baton_api.enqueue_chunks(v_chunk.sync_job_id, v_chunk.chunks);
    end if;
    if v_chunk.given->>'outcome' = 'wait' then
      update baton.sources s
      set blocked_until = greatest(case when not baton_api.is_past(s.blocked_until, p_now, interval '1 hour') then s.blocked_until end, p_now + least(greatest(coalesce((v_chunk.given->>'wait')::int, 30), 1), 3600) * interval '1 second'),
          blocked_reason = v_chunk.given->>'error'
      where s.name = v_chunk.source;
    elsif v_chunk.given->>'outcome' = 'refused' then
      update baton.sync_jobs j set status = 'failed', completed_at = p_now, draining = true, error_message = v_chunk.given->>'error'
      where j.id = v_chunk.sync_job_id and j.status in ('pending', 'processing');
    end if;
  end loop;
end
$$;
comment on function baton_api.apply_chunk_results is 'Applies what chunks brought (internal).';
