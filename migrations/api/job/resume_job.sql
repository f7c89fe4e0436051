-- Lets a paused job run again and wakes it. For operators. Safe to repeat. Raises WK002 when there is no such job.
create function baton_api.resume_job(p_job text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
begin
  update baton.jobs j set paused_at = null, paused_by = null, pause_reason = null where j.name = p_job;
  if not found then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  end if;
  insert into baton.events (noun, noun_id, from_state, to_state, who) values ('job', p_job, 'paused', 'active', p_who);
  perform baton.wake(p_job);
  return jsonb_build_object('job', p_job, 'paused', false);
end
$$;
comment on function baton_api.resume_job is 'Lets a paused job run again.';
