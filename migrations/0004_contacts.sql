-- The application's contacts: made when absent, extended when present. The key may be of any type.

create table if not exists public.contacts (
  id bigint generated always as identity primary key,
  email text
);

alter table public.contacts
  add column if not exists created_at timestamptz not null default now(),
  add column if not exists email_validation_status text,
  add column if not exists email_validation_reason text,
  add column if not exists email_validation_evidence jsonb,
  add column if not exists external_heartbeat_checked_at timestamptz,
  add column if not exists email_validation_valid_until timestamptz,
  add column if not exists email_validation_retry_at timestamptz,
  add column if not exists email_validation_tries int not null default 0,
  add column if not exists email_validation_cycle_id uuid;

comment on column public.contacts.email_validation_retry_at is 'When an unknown verdict is worth another look.';
comment on column public.contacts.email_validation_cycle_id is 'The cycle that gave the verdict: in one cycle a contact gets at most one.';

-- One index per way of being due, each in the order in which a claim reads it.
create index if not exists contacts_never_validated_idx on public.contacts (created_at, id)
  where email is not null and email_validation_status is null;
create index if not exists contacts_unknown_idx on public.contacts (email_validation_retry_at, id)
  where email is not null and email_validation_status = 'unknown';
create index if not exists contacts_validated_idx on public.contacts (external_heartbeat_checked_at, id)
  where email is not null and email_validation_status is not null and email_validation_status <> 'unknown';

create table baton.dns_cache (
  domain text primary key,
  route jsonb not null,
  expires_at timestamptz not null
);
comment on table baton.dns_cache is 'Mail routes by domain, for as long as their TTL says.';
create index dns_cache_expiry_idx on baton.dns_cache (expires_at);
