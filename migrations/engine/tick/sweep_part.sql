-- One part of the housekeeping; how many rows it touched, at most p_limit of each kind. A part of a job is named `<what> of <job>`. Internal.
create function baton_api.sweep_part(p_part text, p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_what constant text := split_part(p_part, ' of ', 1);
  v_name constant text := nullif(split_part(p_part, ' of ', 2), '');
  v_keep constant interval := (select s.runs_kept_for from baton.settings s);
  v_job baton.jobs;
  v_rows int := 0;
begin
  select j.* into v_job from baton.jobs j where j.name = v_name;
  case v_what
  when 'attempts' then
    v_rows := baton_api.sweep_attempts(v_name, p_limit);
  when 'clean-up' then
    execute format('select %s($1)', baton_api.job_function(v_name, 'clean_up')) into v_rows using p_limit;
  when 'marks' then
    perform baton_api.lower_marks(v_job);
  when 'slots' then
    v_rows := baton_api.skip_slots(p_limit, p_now);
  when 'scheduled items' then
    v_rows := baton_api.start_slots(p_limit, p_now);
  when 'alerts' then
    perform baton_api.note_long_cycles(null, p_now);
  when 'wakes' then
    v_rows := baton.forget_late_marks();
  when 'sample' then
    if not exists (select from baton.queue_samples q where q.job = v_name and q.sampled_at > p_now - interval '1 hour') then
      -- More than that is shown as "more".
      execute format('insert into baton.queue_samples (job, sampled_at, due_items) select $1, $2, %s($2, 100001) on conflict do nothing',
        baton_api.job_function(v_name, 'count_due')) using v_name, p_now;
    end if;
  when 'old rows' then
    execute format('select %s($1, $2)', baton_api.job_function(v_name, 'prune')) into v_rows using p_limit, p_now;
  when 'old items' then
    v_rows := baton_api.prune_items(p_limit, p_now);
  when 'old runs' then
    delete from baton.runs r where r.id in (
      select o.id from baton.runs o where o.finished_at < p_now - v_keep order by o.finished_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  when 'old ticks' then
    delete from baton.ticks t where t.id in (
      select o.id from baton.ticks o where o.finished_at < p_now - v_keep order by o.finished_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  when 'old attempts' then
    delete from baton.attempts a where a.id in (
      select o.id from baton.jobs j cross join lateral (
        select f.id from baton.attempts f where f.job = j.name and f.finished_at < p_now - v_keep
        order by f.finished_at limit p_limit for update skip locked) o
      limit p_limit);
    get diagnostics v_rows = row_count;
  when 'old slots' then
    delete from baton.slots s where (s.job, s.due_at) in (
      select o.job, o.due_at from baton.slots o
      where o.status <> 'planned' and o.due_at < p_now - v_keep order by o.job, o.due_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  end case;
  return v_rows;
end
$$;
comment on function baton_api.sweep_part is 'One part of the housekeeping (internal).';
