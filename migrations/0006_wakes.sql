-- Waking by pg_net: where to post, and the secret that signs it.
alter table baton.settings
  drop constraint wake_is_known,
  add constraint wake_is_known check (wake in ('listen', 'pg_net', 'none')),
  add column wake_url text
    constraint wake_url_is_http check (wake_url ~ '^https?://[^/]+$'),
  add column wake_secret text
    constraint wake_secret_begins_with_whsec check (wake_secret ~ '^whsec_[A-Za-z0-9+/]{32,}={0,2}$'),
  add constraint pg_net_needs_a_url_and_a_secret check (wake <> 'pg_net' or (wake_url is not null and wake_secret is not null));
comment on column baton.settings.wake_secret is 'Signs what pg_net posts, by Standard Webhooks; readable by the owner alone.';
