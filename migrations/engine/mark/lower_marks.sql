-- Puts the marks of a job's items where the tables say, whatever happened: a backstop that every tick applies. Internal.
create function baton_api.lower_marks(p_job baton.jobs) returns void
language plpgsql
as $$
declare
  v_rank bigint;
  v_retry bigint;
  v_open bigint;
begin
  select min(r.rank) into v_rank from baton.ready_items r where r.job = p_job.name and r.priority = 0 and r.run_at is null;
  select baton_api.microseconds(min(r.run_at)) into v_retry from baton.ready_items r where r.job = p_job.name and r.run_at is not null;
  select baton_api.microseconds(min(a.claimed_at)) into v_open from baton.attempts a where a.job = p_job.name and a.finished_at is null;
  if v_rank < baton_api.mark('rank_mark', p_job.lock_id) then
    perform baton_api.set_mark('rank_mark', p_job.lock_id, v_rank);
  end if;
  if v_retry < baton_api.mark('retry_mark', p_job.lock_id) then
    perform baton_api.set_mark('retry_mark', p_job.lock_id, v_retry);
  end if;
  if v_open < baton_api.mark('attempt_mark', p_job.lock_id) then
    perform baton_api.set_mark('attempt_mark', p_job.lock_id, v_open);
  end if;
end
$$;
comment on function baton_api.lower_marks is 'Lowers the marks of a job''s items where they are too high (internal).';
