-- Whether a job that sends messages has some, or what leads to them, to do: {"due": true, "reason": messages_due |
-- jobs_due | cycle_running}, or {"due": false, "until"}, with the reason when messages are due that wait for their provider.
-- Whether it may start a cycle is not asked here. Internal.
create function baton_api.message_work(p_job text, p_now timestamptz) returns jsonb
language plpgsql stable
as $$
declare
  v_message_at timestamptz;
  v_reason text;
  v_queued_at timestamptz;
begin
  select min(greatest(d.due_at, b.blocked_until)), min(b.reason) filter (where d.due_at <= b.blocked_until)
  into v_message_at, v_reason
  from baton.channels c
  cross join lateral (
    select m.due_at from baton.messages m where m.job = p_job and m.channel = c.channel and m.due_at is not null order by m.due_at limit 1) d
  left join baton_api.blocked_channels(p_now) b on b.channel = c.channel;
  if v_message_at <= p_now or exists (
    select from baton.channels c
    cross join lateral (
      select from baton.messages m
      where m.job = p_job and m.channel = c.channel and m.due_at is not null and m.reason in ('quiet_hours', 'daily_cap')
        and m.hold_revision < (select s.hold_revision from baton.settings s)
      limit 1) h
    where not exists (select from baton_api.blocked_channels(p_now) b where b.channel = c.channel))
  then
    return '{"due": true, "reason": "messages_due"}';
  end if;
  -- Whoever took the queue out keeps it out.
  if p_job = 'auto-sync-jobs' and to_regclass('public.job_queue') is not null then
    select min(greatest(q.scheduled_at, q.retry_at)) into v_queued_at from public.job_queue q
    where q.status = 'pending' and q.scheduled_at <= p_now;
    if v_queued_at <= p_now then
      return '{"due": true, "reason": "jobs_due"}';
    end if;
    select least(v_queued_at, min(q.scheduled_at)) into v_queued_at from public.job_queue q where q.status = 'pending' and q.scheduled_at > p_now;
  elsif p_job = 'follow-up-reminders' and exists (select from baton.cycles c where c.job = p_job and c.status = 'running') then
    return '{"due": true, "reason": "cycle_running"}';
  end if;
  return jsonb_strip_nulls(jsonb_build_object('due', false, 'until', nullif(least(v_message_at, v_queued_at), 'infinity'), 'reason', v_reason));
end
$$;
comment on function baton_api.message_work is 'Whether a job has messages, or what leads to them, to do (internal).';
