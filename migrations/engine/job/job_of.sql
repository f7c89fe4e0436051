-- A job by its name. Internal. Raises WK002 when there is no such job.
create function baton_api.job_of(p_name text) returns baton.jobs
language plpgsql
as $$
declare
  v_job baton.jobs;
begin
  select j.* into v_job from baton.jobs j where j.name = p_name;
  if not found then
    raise exception 'there is no job %', coalesce(p_name, 'null') using errcode = 'WK002';
  end if;
  return v_job;
end
$$;
comment on function baton_api.job_of is 'A job by its name (internal).';
