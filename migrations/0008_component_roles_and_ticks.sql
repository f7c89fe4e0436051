-- A login role for each component of this deployment, and a log of ticks.

create table baton.component_roles (
  component text primary key
    constraint component_name_is_plain check (component ~ '^[a-z][a-z0-9-]{0,62}$'),
  role_name text not null unique,
  password_set_at timestamptz,
  password_set_by text,
  constraint password_has_time_and_name check ((password_set_at is null) = (password_set_by is null))
);
comment on table baton.component_roles is 'The role with which each component logs in to this database; no other database uses it.';

create table baton.ticks (
  id bigint generated always as identity primary key,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  status text not null
    constraint tick_status_is_known check (status in ('done', 'out_of_time', 'unreachable')),
  calls int not null
    constraint tick_calls_are_not_negative check (calls >= 0),
  worker text not null,
  unreachable jsonb not null default '[]'
    constraint tick_unreachable_is_an_array check (jsonb_typeof(unreachable) = 'array'),
  constraint tick_finishes_after_its_start check (finished_at >= started_at)
);
comment on table baton.ticks is 'Every tick: when, how long, how many calls, and which jobs it could not reach.';
create index ticks_by_age_idx on baton.ticks (finished_at);
