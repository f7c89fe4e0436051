-- What a user wrote, as it may stand in a message to others: without control characters, line breaks and links, and at most so long.
-- Internal.
create function baton_api.plain_words(p_text text, p_longest int) returns text
language sql immutable
as $$
  select nullif(left(btrim(regexp_replace(regexp_replace(left(p_text, 10000), '(\w+://|www\.)\S*', '', 'gi'), '[[:cntrl:][:space:]\u2028\u2029]+', ' ', 'g')), p_longest), '')
$$;
comment on function baton_api.plain_words is 'What a user wrote, as it may stand in a message to others (internal).';
