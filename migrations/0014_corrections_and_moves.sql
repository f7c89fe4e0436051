-- Callbacks that were refused, holds that follow corrections of a recipient or of the settings, and databases that were moved.

create table baton.refused_callbacks (
  route text primary key
    constraint refused_route_is_known check (route in ('status', 'inbound')),
  refused bigint not null default 0,
  first_at timestamptz,
  last_at timestamptz,
  constraint refused_callbacks_have_a_time check (refused = 0 or (first_at is not null and last_at is not null))
);
comment on table baton.refused_callbacks is 'Callbacks of the provider of text messages whose signature was wrong, since the last one that was right; one a second is counted at most.';
insert into baton.refused_callbacks (route) values ('status'), ('inbound');

alter table baton.settings add column hold_revision bigint not null default 0;
comment on column baton.settings.hold_revision is 'Rises when a setting changes that decides until when messages are held.';
alter table baton.messages add column hold_revision bigint not null default 0;
comment on column baton.messages.hold_revision is 'The revision of the settings by which it was last held; one held by an older revision is due.';
create index messages_held_idx on baton.messages (job, channel, hold_revision) where due_at is not null and reason in ('quiet_hours', 'daily_cap');
create index messages_held_by_recipient_idx on baton.messages (recipient_id) where status = 'reserved' and purpose = 'auto_sync';

create table baton.known_database (
  only_row boolean primary key default true
    constraint there_is_one_row check (only_row),
  database_oid bigint,
  server text,
  sets_search_path boolean not null default false
);
comment on table baton.known_database is 'Which database this is, so that a copy or a restored dump is noticed, and whether Baton set its search path.';
insert into baton.known_database default values;

-- What has no cycles has no schedule.
update baton.schedules s set enabled = false where s.job not in ('validate-contacts', 'follow-up-reminders');
