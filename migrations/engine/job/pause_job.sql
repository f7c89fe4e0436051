-- Pauses a job: the batch under way settles, none follows until resume_job. For operators. Safe to repeat.
-- Raises WK002 when there is no such job.
create function baton_api.pause_job(p_job text, p_who text, p_reason text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_was_paused boolean;
begin
  select j.paused_at is not null into v_was_paused from baton.jobs j where j.name = p_job for update;
  if not found then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  end if;
  update baton.jobs j set paused_at = coalesce(j.paused_at, baton.clock()), paused_by = p_who, pause_reason = p_reason
  where j.name = p_job;
  insert into baton.events (noun, noun_id, from_state, to_state, who, why)
  values ('job', p_job, case when v_was_paused then 'paused' else 'active' end, 'paused', p_who, p_reason);
  return jsonb_build_object('job', p_job, 'paused', true);
end
$$;
comment on function baton_api.pause_job is 'Pauses a job after the batch under way.';
