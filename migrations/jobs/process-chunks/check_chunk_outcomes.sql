-- Refuses outcomes of chunks that are malformed. Internal. Raises WK004.
create function baton_api.check_chunk_outcomes(p_outcomes jsonb) returns void
language plpgsql immutable
as $$
begin
  if p_outcomes in ('"completed"', '"done"') then
    return;
  elsif jsonb_typeof(p_outcomes) is distinct from 'array' or jsonb_path_exists(p_outcomes, '$[*] ? (!(@.outcome.type() == "string"
    && (@.outcome == "done" || @.outcome == "completed" || @.outcome == "retry" || @.outcome == "wait" || @.outcome == "failed" || @.outcome == "refused")))')
  then
    raise exception 'outcomes are an array of completed, retry, wait, failed or refused, or "completed" for all' using errcode = 'WK004';
  elsif jsonb_path_exists(p_outcomes, '$[*] ? (!(@.id.type() == "string" && @.id like_regex "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"))') then
    raise exception 'an outcome has no id of a chunk' using errcode = 'WK004';
  elsif jsonb_path_exists(p_outcomes, '$[*].wait ? (!(@.type() == "number" || @.type() == "null"))') then
    raise exception 'wait of an outcome is a number of seconds' using errcode = 'WK004';
  end if;
end
$$;
comment on function baton_api.check_chunk_outcomes is 'Refuses outcomes of chunks that are malformed (internal).';
