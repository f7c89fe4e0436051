-- Refuses outcomes of items that are malformed, naming the field. Internal. Raises WK004.
create function baton_api.check_outcomes(p_outcomes jsonb) returns void
language plpgsql immutable
as $$
begin
  if p_outcomes = '"done"' then
    return;
  elsif jsonb_typeof(p_outcomes) is distinct from 'array' then
    raise exception 'outcomes are an array of objects, or "done"' using errcode = 'WK004';
  elsif jsonb_path_exists(p_outcomes, '$[*] ? (!(@.id.type() == "string" && @.id like_regex "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"))') then
    raise exception 'an outcome has no id of an item' using errcode = 'WK004';
  elsif jsonb_path_exists(p_outcomes, '$[*] ? (!(@.outcome.type() == "string" && (@.outcome == "done" || @.outcome == "retry" || @.outcome == "wait" || @.outcome == "failed")))') then
    raise exception 'an outcome is done, retry, wait or failed' using errcode = 'WK004';
  elsif jsonb_path_exists(p_outcomes, '$[*].seconds ? (!(@.type() == "number" || @.type() == "null"))') then
    raise exception 'seconds of an outcome is a number' using errcode = 'WK004';
  end if;
end
$$;
comment on function baton_api.check_outcomes is 'Refuses outcomes of items that are malformed (internal).';
