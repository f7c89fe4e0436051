-- Does what a queued job of an auto-sync asks for, in the caller's transaction, so it is done once or not at all:
-- a reminder reserves a message for each member who has not answered and schedules the pause check; a pause check pauses.
-- Answers {"status": processed | skipped, "why"}; it is skipped when the auto-sync no longer runs or has its answers.
-- Internal, and without a row of the queue as its argument, for whoever takes the queue out. Locks: auto-sync.
create function baton_api.work_queued_job(p_sync_id uuid, p_job_type text, p_scheduled_at timestamptz, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_sync public.auto_syncs;
  v_settings baton.settings;
  v_pause_at timestamptz;
begin
  select s.* into v_sync from public.auto_syncs s where s.id = p_sync_id for update;
  if v_sync.id is null or v_sync.status <> 'running' then
    return jsonb_build_object('status', 'skipped', 'why', coalesce('the auto-sync is ' || v_sync.status, 'there is no auto-sync'));
  elsif baton_api.response_goal_met(v_sync) then
    return '{"status": "skipped", "why": "the auto-sync has its answers"}';
  elsif exists (select from public.crews c where c.id = v_sync.crew_id and c.owner_id <> v_sync.organizer_id) then
    -- Users may write these rows, so they are not believed.
    return '{"status": "skipped", "why": "the crew belongs to another user"}';
  elsif p_job_type = 'pause_check_48h' then
    update public.auto_syncs s set status = 'paused', paused_at = p_now where s.id = v_sync.id;
    return '{"status": "processed"}';
  end if;

  select s.* into v_settings from baton.settings s;
  -- From now and not from the start, so that a late reminder leaves as much time to answer as one in time.
  v_pause_at := p_now + (v_settings.auto_sync_pause_after - v_settings.auto_sync_reminder_after);
  with reserved as (
    insert into baton.messages (job, purpose, subject_id, recipient_id, period_start, channel, recipient, time_zones, fields,
      status, reason, ended_at, due_at, expires_at, created_at)
    select 'auto-sync-jobs', 'auto_sync', v_sync.id::text, m.id::text, p_scheduled_at,
           r.channel, r.recipient,
           array_remove(array[m.timezone, v_sync.timezone], null),
           jsonb_build_object('name', baton_api.plain_words(m.name, 60), 'event_name', baton_api.plain_words(v_sync.event_name, 60),
             'organizer_name', baton_api.plain_words(v_sync.organizer_name, 60),
             'crew_name', (select baton_api.plain_words(c.name, 60) from public.crews c where c.id = v_sync.crew_id)),
           case when r.channel is null then 'failed' else 'reserved' end,
           case when r.channel is null then 'no_address' end,
           case when r.channel is null then p_now end,
           case when r.channel is not null then p_now end, v_pause_at, p_now
    from public.crew_members m
    cross join lateral baton_api.message_route(m.phone, m.email) r
    where m.crew_id = v_sync.crew_id and m.user_id is distinct from v_sync.organizer_id
      and not exists (select from public.auto_sync_responses r where r.auto_sync_id = v_sync.id and r.member_id = m.id)
    order by m.id
    on conflict do nothing
    returning messages.id, messages.recipient_id, messages.status
  )
  insert into public.auto_sync_messages (auto_sync_id, member_id, message_type, message_id, status)
  select v_sync.id, r.recipient_id::uuid, 'reminder', r.id, r.status from reserved r;
  insert into public.job_queue (sync_id, job_type, scheduled_at) values (v_sync.id, 'pause_check_48h', v_pause_at)
  on conflict do nothing;
  return '{"status": "processed"}';
end
$$;
comment on function baton_api.work_queued_job is 'Does what a queued job of an auto-sync asks for (internal).';
