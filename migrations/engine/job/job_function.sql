-- The function that a job has registered for a hook. Internal. Raises WK002 when it has none.
create function baton_api.job_function(p_job text, p_hook text) returns text
language plpgsql stable
as $$
declare
  v_function constant text := (select f.function from baton.job_functions f where f.job = p_job and f.hook = p_hook);
begin
  if v_function is null then
    raise exception 'nothing is known of job %: it has no function for %', p_job, p_hook using errcode = 'WK002';
  end if;
  return v_function;
end
$$;
comment on function baton_api.job_function is 'The function that a job has registered for a hook (internal).';
