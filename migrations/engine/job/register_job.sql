-- Makes a job of Baton's, with its own claim and settle known to the engine. `register.sql` in the job's folder calls it at every migration.
--   p_functions  the functions of baton_api that the engine calls for it, by hook:
--     state             (baton.jobs, baton_api.open_attempts, timestamptz) returns jsonb: what it can do now, as due_work tells it
--     lost              (baton.attempts, text, timestamptz) returns void: gives back what a dead attempt had; the text is the reason
--     clean_up          (int) returns int: what a tick does before the work; at most so many rows
--     prune             (int, timestamptz) returns int: deletes what is old; at most so many rows of each kind
--     count_due         (timestamptz, bigint) returns bigint: how much is due, counted no farther than to the second argument
--     unreachable_rows  () returns jsonb: rows of the application that are never due
--   p_parallel_limit  the most that max_parallel may be
--   p_on_slot         what a slot of the schedule starts: cycle, or null for no schedule
--   p_kind            custom, or groups: its items are in baton.items, so that it has neither state nor lost
create or replace function baton.register_job(
  p_job text, p_functions jsonb, p_parallel_limit int default 64, p_on_slot text default null, p_runs_are_attempts boolean default false,
  p_kind text default 'custom'
) returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into baton.jobs (name, route)
  select p_job, '/jobs/' || p_job where not exists (select from baton.jobs j where j.name = p_job);
  update baton.jobs j
  set parallel_limit = p_parallel_limit, max_parallel = least(j.max_parallel, p_parallel_limit), on_slot = p_on_slot, runs_are_attempts = p_runs_are_attempts,
      kind = p_kind
  where j.name = p_job and (j.parallel_limit, j.on_slot, j.runs_are_attempts, j.kind) is distinct from (p_parallel_limit, p_on_slot, p_runs_are_attempts, p_kind);
  insert into baton.limiters (job, tokens) select j.name, j.rate_burst from baton.jobs j where j.name = p_job on conflict do nothing;
  perform baton.make_marks(j.lock_id) from baton.jobs j where j.name = p_job;
  delete from baton.job_functions f where f.job = p_job and not p_functions ? f.hook;
  insert into baton.job_functions as f (job, hook, function)
  select p_job, g.key, 'baton_api.' || g.value from jsonb_each_text(p_functions) g
  on conflict (job, hook) do update set function = excluded.function where f.function <> excluded.function;
end
$$;
