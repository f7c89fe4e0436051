-- A text with *** in place of what looks like a key or token in the query of a URL, for the views. Internal.
create function baton_api.mask_secrets(p_text text) returns text
language sql immutable
as $$
  select regexp_replace(p_text,
    '([?&](?:sig|[^=&#"]*(?:key|token|secret|passw|pwd|auth|signature|credential|jwt|session)[^=&#"]*)=)[^&#"\\]*', '\1***', 'gi')
$$;
comment on function baton_api.mask_secrets is 'A text without the keys and tokens in its URLs (internal).';
