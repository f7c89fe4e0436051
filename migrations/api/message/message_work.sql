-- Whether a job that sends messages has some, or what leads to them, to do: {"due": true, "reason": messages_due |
-- jobs_due | cycle_running}, or {"due": false, "until"}. Whether it may start a cycle is not asked here. Internal.
create function baton_api.message_work(p_job text, p_now timestamptz) returns jsonb
language plpgsql stable
as $$
declare
  v_message_at timestamptz;
  v_queued_at timestamptz;
begin
  select min(m.due_at) into v_message_at from baton.messages m where m.job = p_job and m.due_at is not null;
  if v_message_at <= p_now then
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
  return jsonb_build_object('due', false, 'until', nullif(least(v_message_at, v_queued_at), 'infinity'));
end
$$;
comment on function baton_api.message_work is 'Whether a job has messages, or what leads to them, to do (internal).';
