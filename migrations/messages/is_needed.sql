-- Whether the reason for a message still holds: the assignment was not followed up since, the auto-sync still runs and the
-- member has not answered. Internal.
create function baton_api.is_needed(p_purpose text, p_subject_id text, p_recipient_id text, p_reserved_at timestamptz) returns boolean
language plpgsql stable
as $$
begin
  if p_purpose = 'follow_up' then
    return exists (
      select from jsonb_populate_record(null::public.assignments, jsonb_build_object('id', p_subject_id)) k
      join public.assignments a on a.id = k.id
      where a.status = 'active' and coalesce(a.last_contact_date, a.created_at)
        <= p_reserved_at - (select s.follow_up_after from baton.settings s));
  elsif p_purpose is distinct from 'auto_sync' then
    raise exception 'nothing is known of messages of purpose %', coalesce(p_purpose, 'null') using errcode = 'WK004';
  end if;
  return exists (select from public.auto_syncs s where s.id = p_subject_id::uuid and s.status = 'running')
    and not exists (select from public.auto_sync_responses r where r.auto_sync_id = p_subject_id::uuid and r.member_id = p_recipient_id::uuid);
end
$$;
comment on function baton_api.is_needed is 'Whether the reason for a message still holds (internal).';
