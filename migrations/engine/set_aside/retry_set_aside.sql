-- Lets items that are set aside be tried again with the next batch: one, or with null all of a job. For operators.
-- Answers {"retried": n}. Safe to repeat. At most 10,000 at once.
create function baton_api.retry_set_aside(p_job text, p_item_id text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_rows int;
begin
  delete from baton.set_aside a where (a.job, a.item_id) in (
    select s.job, s.item_id from baton.set_aside s where s.job = p_job and (p_item_id is null or s.item_id = p_item_id)
    order by s.since limit 10000 for update skip locked);
  get diagnostics v_rows = row_count;
  insert into baton.events (noun, noun_id, from_state, to_state, who) values ('set_aside', p_job || coalesce(' ' || p_item_id, ''), 'set_aside', 'due', p_who);
  perform baton.wake(p_job);
  return jsonb_build_object('retried', v_rows);
end
$$;
comment on function baton_api.retry_set_aside is 'Lets items that are set aside be tried again.';
