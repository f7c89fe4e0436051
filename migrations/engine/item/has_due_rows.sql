-- Whether the view of a job has a due row that is not in the queue. Internal.
create function baton_api.has_due_rows(p_job baton.jobs, p_now timestamptz) returns boolean
language plpgsql
as $$
declare
  v_due boolean;
begin
  execute pg_catalog.format($sql$
    select exists (
      select from %s d
      where d.id is not null and pg_catalog.length(d.id) between 1 and 200
        and not exists (select from baton.item_keys k where k.job = $1 and k.key = d.id and (k.until is null or k.until > $2)))
    $sql$, p_job.due_view)
  into v_due using p_job.name, p_now;
  return v_due;
end
$$;
comment on function baton_api.has_due_rows is 'Whether the view of a job has a due row that is not in the queue (internal).';
