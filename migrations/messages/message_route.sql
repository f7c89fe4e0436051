-- By which way somebody is written to, and where: by phone, else by e-mail; null and nothing where there is no address.
-- A table of one row, because only so PostgreSQL writes it into the statement that asks. Internal.
create function baton_api.message_route(p_phone text, p_email text) returns table (channel text, recipient text)
language sql immutable rows 1
as $$
  select case when a.phone is not null then 'sms' when a.email is not null then 'email' end, coalesce(a.phone, a.email, '')
  from (select nullif(btrim(p_phone), '') as phone, nullif(btrim(p_email), '') as email) a
$$;
comment on function baton_api.message_route is 'By which way somebody is written to, and where (internal).';
