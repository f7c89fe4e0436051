-- Lets a paused job run again and wakes it. For operators. Safe to repeat. Raises WK002 when there is no such job.
create function baton_api.resume_job(p_job text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_paused_at timestamptz;
  v_reason text;
begin
  select j.paused_at, j.pause_reason into v_paused_at, v_reason from baton.jobs j where j.name = p_job for update;
  if not found then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  end if;
  if v_paused_at is not null then
    update baton.jobs j set paused_at = null, paused_by = null, pause_reason = null where j.name = p_job;
    insert into baton.events (noun, noun_id, from_state, to_state, who, why) values ('job', p_job, 'paused', 'active', p_who, v_reason);
  end if;
  perform baton.wake(p_job);
  return jsonb_build_object('job', p_job, 'paused', false);
end
$$;
comment on function baton_api.resume_job is 'Lets a paused job run again.';
