-- Deletes mail routes of the cache that are out of date. Internal.
create function baton_api.prune_routes(p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_rows int;
begin
  delete from baton.dns_cache d where d.domain in (
    select o.domain from baton.dns_cache o where o.expires_at < p_now order by o.expires_at limit p_limit for update skip locked);
  get diagnostics v_rows = row_count;
  return v_rows;
end
$$;
comment on function baton_api.prune_routes is 'Deletes mail routes that are out of date (internal).';
