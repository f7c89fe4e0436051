-- Refuses to decide under an isolation level whose snapshots are older than the locks: two callers would both be right.
-- Internal. Raises WK006.
create function baton_api.check_isolation() returns void
language plpgsql stable
as $$
begin
  if pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the isolation level is %; Baton needs read committed', pg_catalog.current_setting('transaction_isolation')
      using errcode = 'WK006', hint = 'Set default_transaction_isolation to read committed for the roles of components, as their connections ask for.';
  end if;
end
$$;
comment on function baton_api.check_isolation is 'Refuses to decide under another isolation level than read committed (internal).';
