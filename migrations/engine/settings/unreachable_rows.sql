-- Rows of the application's tables that are never due, because a moment by which they would be is missing or infinite:
-- [{"table", "rows", "why", "remedy"}], at most 10,001 rows counted of each kind. For operators.
create function baton_api.unreachable_rows() returns jsonb
language plpgsql stable
security definer set search_path = ''
as $$
declare
  v_function text;
  v_found jsonb;
  v_all jsonb := '[]';
begin
  for v_function in select f.function from baton.job_functions f where f.hook = 'unreachable_rows' order by f.job loop
    execute format('select %s()', v_function) into v_found;
    v_all := v_all || v_found;
  end loop;
  return v_all;
end
$$;
comment on function baton_api.unreachable_rows is 'Rows of the application that are never due, because a moment is missing or infinite.';
