-- An attempt that goes on in its group is told what its chunks have in common once, and again when it has changed.

alter table baton.item_groups add column changes int not null default 0;
comment on column baton.item_groups.changes is 'Counts the changes of what its items have in common: the plan of a sync job, and its source.';
alter table baton.attempts add column told int;
comment on column baton.attempts.told is 'Which of its group''s changes it was told last; null when it must be told anew.';
alter table baton.jobs add column async_turns boolean not null default false;
comment on column baton.jobs.async_turns is 'Whether a settlement that goes on with the next batch returns before it is on disk. A crash of the server may take back what such ones said, and the items are worked again.';
-- What an item that ended is longer by has room in its page, too.
alter table baton.items set (fillfactor = 45);
