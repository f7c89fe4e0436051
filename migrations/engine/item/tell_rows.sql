-- Tells the application what came of its rows, done or failed for good, by the function that the job has for it. A row whose
-- function raises an error is tried again with that error, and stops no other. Answers the outcomes with that. Internal.
create function baton_api.tell_rows(p_job baton.jobs, p_attempt baton.attempts, p_outcomes jsonb) returns jsonb
language plpgsql
as $$
declare
  v_function constant text := (select f.function from baton.job_functions f where f.job = p_job.name and f.hook = 'settled');
  v_given record;
  v_outcomes jsonb := p_outcomes;
begin
  for v_given in
    select e.n, i.key, e.outcome->>'outcome' as outcome, e.outcome->>'error' as error
    from jsonb_array_elements(p_outcomes) with ordinality as e(outcome, n)
    join baton.items i on i.id = (e.outcome->>'id')::uuid and i.id::text = any (p_attempt.item_ids)
    where v_function is not null and (e.outcome->>'outcome' in ('done', 'failed') or e.outcome->>'outcome' = 'retry' and i.attempts + 1 >= p_job.max_attempts)
  loop
    begin
      execute pg_catalog.format('select %s($1, $2, $3)', v_function)
      using v_given.key, case v_given.outcome when 'done' then 'done' else 'failed' end, v_given.error;
    exception when others then
      if baton_api.is_transient(sqlstate) then
        raise;
      end if;
      v_outcomes := jsonb_set(v_outcomes, array[(v_given.n - 1)::text], v_outcomes->(v_given.n - 1)::int
        || jsonb_build_object('outcome', case v_given.outcome when 'done' then 'retry' else v_given.outcome end, 'error', left(v_function || ': ' || sqlerrm, 500)));
    end;
  end loop;
  return v_outcomes;
end
$$;
comment on function baton_api.tell_rows is 'Tells the application what came of its rows (internal).';
