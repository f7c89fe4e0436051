-- What applies to whole schemas; grants of single functions stand in their files.
-- Revoked here and not by default privileges, which would reach the application's own functions.
revoke execute on all functions in schema baton, baton_api, baton_board from public;
grant usage on schema baton_api to baton_worker, baton_viewer;
grant usage on schema baton_board to baton_viewer;
grant select on all tables in schema baton_board to baton_viewer;
-- A view runs its functions with the rights of who reads it.
grant execute on function baton.clock() to baton_viewer;
grant execute on function baton_api.job_state(baton.jobs, timestamptz) to baton_viewer;
