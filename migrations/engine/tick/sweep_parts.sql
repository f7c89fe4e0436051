-- Does parts of the housekeeping, each in a subtransaction of its own: one that fails is named with its error and stops no other.
-- Answers {"rows": {part: n}, "failed": {part: "SQLSTATE message"}}. Internal.
create function baton_api.sweep_parts(p_parts text[], p_limit int) returns jsonb
language plpgsql
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_limit constant int := least(greatest(coalesce(p_limit, 100), 1), 1000);
  v_part text;
  v_rows jsonb := '{}';
  v_failed jsonb := '{}';
begin
  foreach v_part in array p_parts loop
    begin
      v_rows := v_rows || jsonb_build_object(v_part, baton_api.sweep_part(v_part, v_limit, v_now));
    exception when others then
      v_failed := v_failed || jsonb_build_object(v_part, sqlstate || ' ' || left(sqlerrm, 200));
    end;
  end loop;
  return jsonb_build_object('rows', v_rows, 'failed', v_failed);
end
$$;
comment on function baton_api.sweep_parts is 'Does parts of the housekeeping, none stopping another (internal).';
