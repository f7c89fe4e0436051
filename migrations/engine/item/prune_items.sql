-- Deletes items without a group that ended long enough ago, with their tries, and keys that rested: looks at 10 times p_limit items at most, from where
-- the last look ended. Answers how many items. Internal. Locks: items.
create function baton_api.prune_items(p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_failed_before constant timestamptz := p_now - (select s.runs_kept_for from baton.settings s);
  v_before constant timestamptz := greatest(v_failed_before, (select max(p_now - j.items_kept_for) from baton.jobs j));
  v_seen int;
  v_last uuid;
  v_old uuid[];
begin
  -- Ids are in the order of their making, and what was made later has not ended earlier.
  select count(*), (array_agg(l.id order by l.id desc))[1], array_agg(l.id) filter (where l.old)
  into v_seen, v_last, v_old
  from (
    select i.id, i.ended_at < case when i.status = 'failed' then v_failed_before else p_now - j.items_kept_for end as old
    from baton.items i join baton.jobs j on j.name = i.job
    where i.group_id is null and i.id > (select p.after_item_id from baton.prune_position p) and i.id < baton_api.first_id_at(v_before)
    order by i.id limit p_limit * 10) l;
  update baton.prune_position p
  set after_item_id = case when v_seen < p_limit * 10 then '00000000-0000-0000-0000-000000000000' else v_last end
  where v_seen > 0 or p.after_item_id <> '00000000-0000-0000-0000-000000000000';
  delete from baton.item_keys k where (k.job, k.key) in (
    select r.job, r.key from baton.item_keys r where r.until < p_now order by r.until limit p_limit for update skip locked);
  if v_old is null then
    return 0;
  end if;
  delete from baton.item_keys k using baton.items i where i.id = any (v_old) and k.job = i.job and k.key = i.key and k.item_id = i.id;
  perform baton_api.delete_items(v_old);
  return cardinality(v_old);
end
$$;
comment on function baton_api.prune_items is 'Deletes items that ended long enough ago (internal).';
