-- Pauses a job: the batch under way settles, none follows until resume_job. For operators. Safe to repeat.
-- Raises WK002 when there is no such job.
create function baton_api.pause_job(p_job text, p_who text, p_reason text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
begin
  update baton.jobs j set paused_at = coalesce(j.paused_at, baton.clock()), paused_by = p_who, pause_reason = p_reason
  where j.name = p_job;
  if not found then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  end if;
  insert into baton.events (noun, noun_id, from_state, to_state, who) values ('job', p_job, 'active', 'paused', p_who);
  return jsonb_build_object('job', p_job, 'paused', true);
end
$$;
comment on function baton_api.pause_job is 'Pauses a job after the batch under way.';
