-- Gives items up that are set aside: they are not tried again until somebody retries them. One, or with null all of a job.
-- For operators. Answers {"dropped": n}. Safe to repeat. At most 10,000 at once.
create function baton_api.drop_set_aside(p_job text, p_item_id text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_rows int;
begin
  update baton.set_aside a set retry_at = null where (a.job, a.item_id) in (
    select s.job, s.item_id from baton.set_aside s where s.job = p_job and (p_item_id is null or s.item_id = p_item_id) and s.retry_at is not null
    order by s.since limit 10000 for update skip locked);
  get diagnostics v_rows = row_count;
  insert into baton.events (noun, noun_id, from_state, to_state, who) values ('set_aside', p_job || coalesce(' ' || p_item_id, ''), 'set_aside', 'dropped', p_who);
  return jsonb_build_object('dropped', v_rows);
end
$$;
comment on function baton_api.drop_set_aside is 'Gives items up that are set aside.';
