-- Whether an auto-sync has the answers that it waits for: those of everyone but the organizer, of a majority, or a number
-- of them. Internal.
create function baton_api.response_goal_met(p_sync public.auto_syncs) returns boolean
language sql stable
as $$
  select case
    when p_sync.response_goal = 'majority' then n.answers * 2 > n.members
    when p_sync.response_goal ~ '^[0-9]{1,9}$' then n.answers >= p_sync.response_goal::int
    else n.answers >= n.members end
  from (
    select count(*) as members, count(r.member_id) as answers
    from public.crew_members m
    left join public.auto_sync_responses r on r.auto_sync_id = p_sync.id and r.member_id = m.id
    where m.crew_id = p_sync.crew_id and m.user_id is distinct from p_sync.organizer_id
  ) n
$$;
comment on function baton_api.response_goal_met is 'Whether an auto-sync has the answers that it waits for (internal).';
