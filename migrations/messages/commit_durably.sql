-- Makes this transaction wait until it is on disk, whatever the database, role or session is set to: a message's fate must not
-- be forgotten by a crash. A stronger mode stays. Internal; not a setting of its callers, because that ends before the commit.
create function baton_api.commit_durably() returns void
language plpgsql
as $$
begin
  if pg_catalog.current_setting('synchronous_commit') not in ('on', 'remote_apply') then
    perform pg_catalog.set_config('synchronous_commit', 'on', true);
  end if;
end
$$;
comment on function baton_api.commit_durably is 'Makes this transaction wait until it is on disk (internal).';
