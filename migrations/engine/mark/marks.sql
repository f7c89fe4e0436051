-- Where claims of a job begin to look. Below a mark lie only entries of what was taken, which an index keeps as long as any
-- transaction might see them. Sequences, because they change in place; rows would pile up versions of themselves. Each job has
--   rank_mark     no item of the usual priority that is ready has a smaller rank
--   retry_mark    no item is due again before this moment, in microseconds since 1970
--   attempt_mark  no open attempt began before this moment, in microseconds since 1970
--   woken         from when on a writer may wake the job, in milliseconds since 1970
-- A mark is lowered at any time, and raised only by who holds the lock (lock_id, 0) exclusively; who adds items or claims
-- holds it shared, to the end of the transaction.
create or replace function baton.make_marks(p_lock_id bigint) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_name text;
begin
  foreach v_name in array '{rank_mark,retry_mark,attempt_mark,woken}'::text[] loop
    if to_regclass(format('baton.%s_%s', v_name, p_lock_id)) is null then
      execute format('create sequence baton.%s_%s minvalue 0 start 0', v_name, p_lock_id);
      perform baton.close('sequence ' || c.oid::regclass, c.relacl, c.relowner)
      from pg_catalog.pg_class c where c.oid = to_regclass(format('baton.%s_%s', v_name, p_lock_id));
      execute format('comment on sequence baton.%s_%s is %L', v_name, p_lock_id, format('The %s of the job with this lock; make_marks says what it means.', v_name));
    end if;
  end loop;
end
$$;

create or replace function baton.drop_marks(p_lock_id bigint) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_name text;
begin
  foreach v_name in array '{rank_mark,retry_mark,attempt_mark,woken}'::text[] loop
    execute format('drop sequence if exists baton.%s_%s', v_name, p_lock_id);
  end loop;
end
$$;
