-- The whole schema after all migrations, to read and to compare; generated, never applied:
-- BATON_SNAPSHOT=write cargo test -p tests -- schema_rules::snapshot
-- Tables with their constraints, indexes and triggers, sequences, functions, views, and the triggers on tables of the application.

create table baton.alerts (
  id bigint not null generated always as identity,
  job text not null,
  cycle_id uuid not null,
  reason text not null default 'running_too_long'::text,
  alert_after_seconds integer not null,
  noticed_at timestamp with time zone not null default baton.clock(),
  constraint alerts_cycle_id_fkey FOREIGN KEY (cycle_id) REFERENCES baton.cycles(id) ON DELETE CASCADE,
  constraint alerts_pkey PRIMARY KEY (id),
  constraint alerts_cycle_id_key UNIQUE (cycle_id)
);
-- Cycles that ran for longer than their job's alert threshold, once each.

create table baton.attempts (
  id uuid not null default baton.ordered_id(),
  job text not null,
  cycle_id uuid,
  trigger text not null,
  worker text not null,
  item_ids text[] not null,
  n_items integer not null,
  claimed_at timestamp with time zone not null,
  leased_until timestamp with time zone not null,
  finished_at timestamp with time zone,
  outcome text,
  result jsonb,
  seat integer,
  group_ids uuid[],
  turns integer not null default 1,
  turn_at timestamp with time zone,
  turn_items integer not null default 0,
  rank bigint,
  turn_result jsonb,
  role text,
  told integer,
  constraint attempts_cycle_id_fkey FOREIGN KEY (cycle_id) REFERENCES baton.cycles(id),
  constraint attempts_pkey PRIMARY KEY (id)
);
CREATE INDEX attempts_by_cycle_idx ON baton.attempts USING btree (cycle_id) WHERE (cycle_id IS NOT NULL);
CREATE INDEX attempts_finished_idx ON baton.attempts USING btree (job, finished_at) WHERE (finished_at IS NOT NULL);
CREATE UNIQUE INDEX attempts_one_open_per_seat_idx ON baton.attempts USING btree (job, seat) WHERE ((finished_at IS NULL) AND (seat > 0));
CREATE INDEX attempts_open_idx ON baton.attempts USING btree (job, claimed_at) WHERE (finished_at IS NULL);
-- A lease on a batch, or on one batch after another. A settlement must name its token: its id, of which the last four digits count the turns.

create table baton.channels (
  channel text not null,
  provider text,
  blocked_until timestamp with time zone,
  blocked_reason text,
  constraint a_blocked_channel_has_a_reason CHECK (((blocked_until IS NULL) OR (blocked_reason IS NOT NULL))),
  constraint channel_is_known CHECK ((channel = ANY (ARRAY['sms'::text, 'email'::text]))),
  constraint channels_pkey PRIMARY KEY (channel)
);
-- The ways of sending: which provider serves each, and until when it gets no request.

create table baton.component_roles (
  component text not null,
  role_name text not null,
  password_set_at timestamp with time zone,
  password_set_by text,
  constraint component_name_is_plain CHECK ((component ~ '^[a-z][a-z0-9-]{0,62}$'::text)),
  constraint password_has_time_and_name CHECK (((password_set_at IS NULL) = (password_set_by IS NULL))),
  constraint component_roles_pkey PRIMARY KEY (component),
  constraint component_roles_role_name_key UNIQUE (role_name)
);
-- The role with which each component logs in to this database; no other database uses it.

create table baton.cycles (
  id uuid not null default gen_random_uuid(),
  job text not null,
  status text not null default 'running'::text,
  started_at timestamp with time zone not null default baton.clock(),
  completed_at timestamp with time zone,
  total_items bigint,
  done_items bigint not null default 0,
  iteration integer not null default 0,
  trigger text,
  error_message text,
  config jsonb not null default '{}'::jsonb,
  constraint cycle_config_is_an_object CHECK ((jsonb_typeof(config) = 'object'::text)),
  constraint cycle_done_is_not_negative CHECK ((done_items >= 0)),
  constraint cycle_iteration_is_not_negative CHECK ((iteration >= 0)),
  constraint cycle_status_is_known CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text]))),
  constraint cycle_total_is_not_negative CHECK ((total_items >= 0)),
  constraint running_cycle_is_not_completed CHECK (((status <> 'running'::text) OR (completed_at IS NULL))),
  constraint cycles_job_fkey FOREIGN KEY (job) REFERENCES baton.jobs(name),
  constraint cycles_pkey PRIMARY KEY (id),
  constraint only_one_running EXCLUDE USING btree (job WITH =) WHERE ((status = 'running'::text))
);
CREATE INDEX cycles_by_job_idx ON baton.cycles USING btree (job, started_at DESC);
CREATE TRIGGER t20_cycle_transition BEFORE UPDATE OF status ON baton.cycles FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION baton.check_cycle_transition();
-- One pass over everything due, spread over many short invocations; at most one runs per job.

create table baton.dns_cache (
  domain text not null,
  route jsonb not null,
  expires_at timestamp with time zone not null,
  constraint dns_cache_pkey PRIMARY KEY (domain)
);
CREATE INDEX dns_cache_expiry_idx ON baton.dns_cache USING btree (expires_at);
-- Mail routes by domain, for as long as their TTL says.

create table baton.events (
  id bigint not null generated always as identity,
  noun text not null,
  noun_id text not null,
  from_state text,
  to_state text,
  who text not null,
  at timestamp with time zone not null default baton.clock(),
  why text,
  constraint events_pkey PRIMARY KEY (id)
);
CREATE INDEX events_by_noun_idx ON baton.events USING btree (noun, noun_id, at);
-- What people and cycles did: history of states that no attempt row tells.

create table baton.failed_items (
  job text not null,
  failed_at timestamp with time zone not null,
  item_id uuid not null,
  group_id uuid,
  constraint failed_items_pkey PRIMARY KEY (job, failed_at, item_id)
);
CREATE INDEX failed_items_by_group_idx ON baton.failed_items USING btree (group_id) WHERE (group_id IS NOT NULL);
CREATE INDEX failed_items_by_item_idx ON baton.failed_items USING btree (item_id);
-- Items that failed for good, until an operator retries or drops them.

create table baton.found_tables (
  name text not null,
  constraint found_tables_pkey PRIMARY KEY (name)
);
-- Which tables schema public had before the first migration.

create table baton.inbound_messages (
  provider_id text not null,
  received_at timestamp with time zone not null default baton.clock(),
  constraint inbound_messages_pkey PRIMARY KEY (provider_id)
);
-- Replies that changed an opt-out, so that a repeated request changes nothing. A provider's signature holds for ever, and so do they.

create table baton.item_groups (
  id uuid not null,
  job text not null,
  state text not null default 'open'::text,
  next_rank bigint not null default 0,
  max_parallel integer not null default 64,
  blocked_until timestamp with time zone,
  blocked_reason text,
  changes integer not null default 0,
  constraint group_max_parallel_within_1_and_64 CHECK (((max_parallel >= 1) AND (max_parallel <= 64))),
  constraint group_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'draining'::text, 'ended'::text]))),
  constraint item_groups_pkey PRIMARY KEY (id)
);
CREATE INDEX item_groups_active_idx ON baton.item_groups USING btree (job, state) WHERE (state <> 'ended'::text);
CREATE INDEX item_groups_blocked_idx ON baton.item_groups USING btree (job, blocked_until) WHERE (blocked_until IS NOT NULL);
-- What items of one source have in common: their turn, how many attempts may have some of them, and until when none may.

create table baton.item_keys (
  job text not null,
  key text not null,
  item_id uuid not null,
  until timestamp with time zone,
  constraint item_keys_pkey PRIMARY KEY (job, key)
);
CREATE INDEX item_keys_until_idx ON baton.item_keys USING btree (until) WHERE (until IS NOT NULL);
-- The keys of items that wait or are under way, and of rows that failed or rest.

create table baton.item_losses (
  job text not null,
  item_id text not null,
  losses integer not null,
  constraint losses_are_positive CHECK ((losses > 0)),
  constraint item_losses_job_fkey FOREIGN KEY (job) REFERENCES baton.jobs(name),
  constraint item_losses_pkey PRIMARY KEY (job, item_id)
);
-- How often an item was in an attempt that died; the road to giving up on what kills its worker.

create table baton.item_tries (
  item_id uuid not null,
  ended_at timestamp with time zone not null,
  attempt_id uuid not null,
  worker text not null,
  started_at timestamp with time zone not null,
  outcome text not null,
  error text,
  constraint item_try_outcome_is_known CHECK ((outcome = ANY (ARRAY['retried'::text, 'waited'::text, 'lost'::text, 'left'::text]))),
  constraint item_tries_pkey PRIMARY KEY (item_id, ended_at, attempt_id)
);
-- Tries after which an item was due again; the last one is told by the item.

create table baton.items (
  id uuid not null default baton.ordered_id(),
  job text not null,
  key text,
  data jsonb not null,
  priority smallint not null default 0,
  status text not null default 'waiting'::text,
  attempts integer not null default 0,
  losses integer not null default 0,
  created_at timestamp with time zone not null default baton.clock(),
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  worker text,
  attempt_id uuid,
  error text,
  group_id uuid,
  brought integer not null default 0,
  constraint items_pkey PRIMARY KEY (id)
);
CREATE INDEX items_by_group_idx ON baton.items USING btree (group_id) WHERE (group_id IS NOT NULL);
-- The queue of jobs of applications: what is to be done, how often it was tried, and how it ended.

create table baton.job_functions (
  job text not null,
  hook text not null,
  function text not null,
  constraint job_function_has_a_schema CHECK ((function ~~ '%.%'::text)),
  constraint job_hook_is_known CHECK ((hook = ANY (ARRAY['state'::text, 'lost'::text, 'clean_up'::text, 'prune'::text, 'count_due'::text, 'unreachable_rows'::text, 'settled'::text]))),
  constraint job_functions_job_fkey FOREIGN KEY (job) REFERENCES baton.jobs(name) ON DELETE CASCADE,
  constraint job_functions_pkey PRIMARY KEY (job, hook)
);
-- Which function the engine calls for a job, and for what. Names, because functions are rebuilt, and pg_upgrade refuses a regprocedure.

create table baton.jobs (
  name text not null,
  lock_id bigint not null default nextval('baton.lock_ids'::regclass),
  route text not null,
  mode text not null default 'self_adaptive'::text,
  batch_size integer not null default 50,
  lease_seconds integer not null default 8,
  max_attempts integer not null default 3,
  max_parallel integer not null default 1,
  rate_per_minute integer,
  rate_burst integer not null default 100,
  restart_delay_seconds integer not null default 60,
  alert_after_seconds integer not null default 43200,
  paused_at timestamp with time zone,
  paused_by text,
  pause_reason text,
  created_at timestamp with time zone not null default baton.clock(),
  kind text not null default 'custom'::text,
  base_url text,
  parallel_limit integer not null default 64,
  on_slot text,
  runs_are_attempts boolean not null default false,
  due_view regclass,
  items_kept_for interval not null default '3 days'::interval,
  async_turns boolean not null default false,
  constraint job_alert_is_positive CHECK ((alert_after_seconds > 0)),
  constraint job_base_url_is_http_without_a_path CHECK ((base_url ~ '^https?://[^/?#@[:space:]]+$'::text)),
  constraint job_batch_size_within_1_and_1000 CHECK (((batch_size >= 1) AND (batch_size <= 1000))),
  constraint job_burst_is_positive CHECK ((rate_burst > 0)),
  constraint job_items_are_kept_for_a_positive_time CHECK ((items_kept_for > '00:00:00'::interval)),
  constraint job_kind_is_known CHECK ((kind = ANY (ARRAY['queue'::text, 'rows'::text, 'groups'::text, 'custom'::text]))),
  constraint job_lease_within_4_and_300_seconds CHECK (((lease_seconds >= 4) AND (lease_seconds <= 300))),
  constraint job_max_attempts_within_1_and_100 CHECK (((max_attempts >= 1) AND (max_attempts <= 100))),
  constraint job_max_parallel_within_1_and_64 CHECK (((max_parallel >= 1) AND (max_parallel <= 64))),
  constraint job_max_parallel_within_its_limit CHECK ((max_parallel <= parallel_limit)),
  constraint job_mode_is_known CHECK ((mode = ANY (ARRAY['protected'::text, 'self_adaptive'::text]))),
  constraint job_name_is_plain CHECK ((name ~ '^[a-z][a-z0-9-]{0,62}$'::text)),
  constraint job_on_slot_is_known CHECK ((on_slot = ANY (ARRAY['cycle'::text, 'item'::text]))),
  constraint job_parallel_limit_within_1_and_64 CHECK (((parallel_limit >= 1) AND (parallel_limit <= 64))),
  constraint job_rate_is_positive CHECK ((rate_per_minute > 0)),
  constraint job_restart_delay_is_not_negative CHECK ((restart_delay_seconds >= 0)),
  constraint job_route_is_a_path CHECK ((route ~~ '/%'::text)),
  constraint lock_id_is_an_int CHECK (((lock_id >= 1) AND (lock_id <= 2147483647))),
  constraint paused_job_says_by_whom CHECK (((paused_at IS NULL) = (paused_by IS NULL))),
  constraint rows_have_a_view CHECK (((kind = 'rows'::text) = (due_view IS NOT NULL))),
  constraint jobs_pkey PRIMARY KEY (name),
  constraint jobs_lock_id_key UNIQUE (lock_id)
);
-- A named kind of work: where it is done, how much at a time, and whether it may run.

create table baton.known_database (
  only_row boolean not null default true,
  database_oid bigint,
  server text,
  sets_search_path boolean not null default false,
  constraint there_is_one_row CHECK (only_row),
  constraint known_database_pkey PRIMARY KEY (only_row)
);
-- Which database this is, so that a copy or a restored dump is noticed, and whether Baton set its search path.

create table baton.limiters (
  job text not null,
  tokens double precision not null,
  refilled_at timestamp with time zone not null default baton.clock(),
  blocked_until timestamp with time zone,
  blocked_reason text,
  constraint limiter_tokens_are_not_negative CHECK ((tokens >= (0)::double precision)),
  constraint limiters_job_fkey FOREIGN KEY (job) REFERENCES baton.jobs(name),
  constraint limiters_pkey PRIMARY KEY (job)
);
-- One token bucket per job; apart from jobs, because it changes with every claim.

create table baton.messages (
  id uuid not null default baton.ordered_id(),
  job text not null,
  purpose text not null,
  subject_id text not null,
  recipient_id text not null,
  period_start timestamp with time zone not null,
  channel text,
  recipient text not null,
  time_zones text[] not null default '{}'::text[],
  fields jsonb not null default '{}'::jsonb,
  status text not null default 'reserved'::text,
  reason text,
  detail text,
  due_at timestamp with time zone,
  expires_at timestamp with time zone,
  attempt_id uuid,
  attempts integer not null default 0,
  losses integer not null default 0,
  looks integer not null default 0,
  address text,
  subject text,
  body text,
  provider text,
  provider_id text,
  created_at timestamp with time zone not null default baton.clock(),
  submitting_at timestamp with time zone,
  submitted_at timestamp with time zone,
  ended_at timestamp with time zone,
  hold_revision bigint not null default 0,
  constraint ended_message_has_ended_at CHECK (((status = ANY (ARRAY['delivered'::text, 'undelivered'::text, 'failed'::text])) = (ended_at IS NOT NULL))),
  constraint message_channel_is_known CHECK ((channel = ANY (ARRAY['sms'::text, 'email'::text]))),
  constraint message_purpose_is_known CHECK ((purpose = ANY (ARRAY['follow_up'::text, 'auto_sync'::text]))),
  constraint message_status_is_known CHECK ((status = ANY (ARRAY['reserved'::text, 'submitting'::text, 'submitted'::text, 'delivered'::text, 'undelivered'::text, 'failed'::text, 'unknown'::text]))),
  constraint only_failed_messages_have_no_channel CHECK (((channel IS NOT NULL) OR (status = 'failed'::text))),
  constraint only_waiting_messages_are_due CHECK (((due_at IS NULL) OR ((status = ANY (ARRAY['reserved'::text, 'unknown'::text])) AND (attempt_id IS NULL)))),
  constraint messages_pkey PRIMARY KEY (id),
  constraint one_message_per_recipient_and_period UNIQUE (purpose, subject_id, recipient_id, period_start)
);
CREATE INDEX messages_by_address_idx ON baton.messages USING btree (address, submitting_at) WHERE (submitting_at IS NOT NULL);
CREATE INDEX messages_by_age_idx ON baton.messages USING btree (created_at);
CREATE INDEX messages_by_submission_idx ON baton.messages USING btree (submitting_at) WHERE ((channel = 'sms'::text) AND (submitting_at IS NOT NULL));
CREATE INDEX messages_due_by_channel_idx ON baton.messages USING btree (job, channel, due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX messages_held_by_recipient_idx ON baton.messages USING btree (recipient_id) WHERE ((status = 'reserved'::text) AND (purpose = 'auto_sync'::text));
CREATE INDEX messages_held_idx ON baton.messages USING btree (job, channel, hold_revision) WHERE ((due_at IS NOT NULL) AND (reason = ANY (ARRAY['quiet_hours'::text, 'daily_cap'::text])));
CREATE INDEX messages_unknown_idx ON baton.messages USING btree (submitting_at) WHERE (status = 'unknown'::text);
CREATE TRIGGER t20_message_transition BEFORE UPDATE OF status ON baton.messages FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION baton.check_message_transition();
CREATE TRIGGER t50_mirror_auto_sync_message AFTER UPDATE OF status ON baton.messages FOR EACH ROW WHEN (((new.purpose = 'auto_sync'::text) AND (old.status IS DISTINCT FROM new.status))) EXECUTE FUNCTION baton.mirror_auto_sync_message();
-- Every outgoing message, written before anything is sent.

create table baton.migrations (
  name text not null,
  hash text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (name)
);
-- Which files of migrations/ this database has.

create table baton.opt_outs (
  channel text not null,
  address text not null,
  opted_out_at timestamp with time zone not null default baton.clock(),
  constraint opt_out_channel_is_known CHECK ((channel = ANY (ARRAY['sms'::text, 'email'::text]))),
  constraint opt_outs_pkey PRIMARY KEY (channel, address)
);
-- Who wants no messages: told by a reply such as STOP, or by the provider.

create table baton.prune_position (
  only_row boolean not null default true,
  after_item_id uuid not null default '00000000-0000-0000-0000-000000000000'::uuid,
  constraint there_is_one_position CHECK (only_row),
  constraint prune_position_pkey PRIMARY KEY (only_row)
);
-- Where the next look for old items begins.

create table baton.queue_samples (
  job text not null,
  sampled_at timestamp with time zone not null,
  due_items bigint not null,
  constraint queue_samples_job_fkey FOREIGN KEY (job) REFERENCES baton.jobs(name),
  constraint queue_samples_pkey PRIMARY KEY (job, sampled_at)
);
-- How much was due, once an hour.

create table baton.ready_items (
  job text not null,
  priority smallint not null,
  rank bigint not null,
  run_at timestamp with time zone,
  item_id uuid not null,
  alone boolean not null default false,
  group_id uuid
);
CREATE INDEX ready_items_by_group_idx ON baton.ready_items USING btree (group_id, rank) WHERE (group_id IS NOT NULL);
CREATE INDEX ready_items_by_item_idx ON baton.ready_items USING btree (item_id);
CREATE INDEX ready_items_idx ON baton.ready_items USING btree (job, priority, rank) WHERE (run_at IS NULL);
CREATE INDEX ready_items_later_idx ON baton.ready_items USING btree (job, run_at) WHERE (run_at IS NOT NULL);
-- Items that no attempt has: a claim deletes the row, a retry puts it back.

create table baton.refused_callbacks (
  route text not null,
  refused bigint not null default 0,
  first_at timestamp with time zone,
  last_at timestamp with time zone,
  constraint refused_callbacks_have_a_time CHECK (((refused = 0) OR ((first_at IS NOT NULL) AND (last_at IS NOT NULL)))),
  constraint refused_route_is_known CHECK ((route = ANY (ARRAY['status'::text, 'inbound'::text]))),
  constraint refused_callbacks_pkey PRIMARY KEY (route)
);
-- Callbacks of the provider of text messages whose signature was wrong, since the last one that was right; one a second is counted at most.

create table baton.runs (
  id bigint not null generated always as identity,
  job text not null,
  status text not null,
  reason text,
  counts jsonb not null default '{}'::jsonb,
  trigger text not null,
  worker text not null,
  attempt_id uuid,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null,
  constraint run_status_is_known CHECK ((status = ANY (ARRAY['ran'::text, 'skipped'::text, 'idle'::text, 'failed'::text, 'lost'::text]))),
  constraint unfinished_business_has_a_reason CHECK (((status = 'ran'::text) OR (reason IS NOT NULL))),
  constraint runs_pkey PRIMARY KEY (id)
);
CREATE INDEX runs_by_age_idx ON baton.runs USING btree (finished_at);
CREATE INDEX runs_by_job_idx ON baton.runs USING btree (job, started_at DESC);
-- The execution log: every invocation, what it did or why it did nothing.

create table baton.schedules (
  job text not null,
  cron text not null,
  enabled boolean not null default true,
  changed_at timestamp with time zone not null default baton.clock(),
  constraint cron_has_five_fields CHECK ((cron ~ '^\S+( +\S+){4}$'::text)),
  constraint schedules_job_fkey FOREIGN KEY (job) REFERENCES baton.jobs(name),
  constraint schedules_pkey PRIMARY KEY (job)
);
-- When a job starts a cycle by itself: five cron fields, UTC.

create table baton.set_aside (
  job text not null,
  item_id text not null,
  sqlstate text not null,
  message text not null,
  tries integer not null default 1,
  since timestamp with time zone not null default baton.clock(),
  retry_at timestamp with time zone,
  constraint set_aside_tries_are_positive CHECK ((tries > 0)),
  constraint set_aside_job_fkey FOREIGN KEY (job) REFERENCES baton.jobs(name),
  constraint set_aside_pkey PRIMARY KEY (job, item_id)
);
-- Items whose work raised an error: out of the way of the others until retry_at, or until an operator retries them.

create table baton.settings (
  only_row boolean not null default true,
  wake text not null default 'listen'::text,
  revalidate_after interval not null default '30 days'::interval,
  runs_kept_for interval not null default '30 days'::interval,
  wake_url text,
  wake_secret text,
  auto_sync_reminder_after interval not null default '24:00:00'::interval,
  auto_sync_pause_after interval not null default '48:00:00'::interval,
  auto_sync_jobs_kept_for interval not null default '3 days'::interval,
  follow_up_after interval not null default '7 days'::interval,
  follow_up_every interval not null default '7 days'::interval,
  quiet_from text not null default '21:00'::text,
  quiet_until text not null default '08:00'::text,
  daily_cap integer not null default 3,
  default_region text,
  default_zone text not null default 'UTC'::text,
  follow_up_subject text not null default 'A reminder to follow up'::text,
  follow_up_text text not null default 'Hello{% if name %} {{ name }}{% endif %}, it is {{ days }} days since {% if contact_name %}{{ contact_name }}{% else %}your contact{% endif %} last heard from you. Please get in touch and log it.'::text,
  auto_sync_subject text not null default 'Your answer is missing'::text,
  auto_sync_text text not null default 'Hello{% if name %} {{ name }}{% endif %}, your answer about {{ event_name }} is still missing. Please respond.'::text,
  server_history text,
  after_failover text not null default 'hold'::text,
  messages_kept_for interval not null default '30 days'::interval,
  personal_data_kept_for interval not null default '30 days'::interval,
  allowed_regions text,
  most_segments integer not null default 10,
  hourly_ceiling integer,
  hold_revision bigint not null default 0,
  constraint after_failover_is_known CHECK ((after_failover = ANY (ARRAY['hold'::text, 'continue'::text]))),
  constraint allowed_regions_are_country_codes CHECK ((allowed_regions ~ '^[A-Z]{2}(,[A-Z]{2})*$'::text)),
  constraint auto_sync_jobs_kept_for_is_positive CHECK ((auto_sync_jobs_kept_for > '00:00:00'::interval)),
  constraint auto_sync_pause_comes_after_the_reminder CHECK ((auto_sync_pause_after > auto_sync_reminder_after)),
  constraint auto_sync_reminder_after_is_positive CHECK ((auto_sync_reminder_after > '00:00:00'::interval)),
  constraint daily_cap_within_1_and_1000 CHECK (((daily_cap >= 1) AND (daily_cap <= 1000))),
  constraint default_region_is_two_capital_letters CHECK ((default_region ~ '^[A-Z]{2}$'::text)),
  constraint follow_up_after_is_positive CHECK ((follow_up_after > '00:00:00'::interval)),
  constraint follow_up_every_is_at_least_a_minute CHECK ((follow_up_every >= '00:01:00'::interval)),
  constraint follow_up_every_is_not_longer_than_follow_up_after CHECK ((follow_up_every <= follow_up_after)),
  constraint hourly_ceiling_within_1_and_1000000 CHECK (((hourly_ceiling >= 1) AND (hourly_ceiling <= 1000000))),
  constraint message_texts_are_not_empty CHECK (((((''::text <> follow_up_subject) AND (''::text <> follow_up_text)) AND (''::text <> auto_sync_subject)) AND (''::text <> auto_sync_text))),
  constraint messages_are_kept_for_at_least_7_days CHECK ((messages_kept_for >= '7 days'::interval)),
  constraint most_segments_within_1_and_20 CHECK (((most_segments >= 1) AND (most_segments <= 20))),
  constraint personal_data_is_kept_for_at_least_2_days CHECK ((personal_data_kept_for >= '2 days'::interval)),
  constraint pg_net_needs_a_url_and_a_secret CHECK (((wake <> 'pg_net'::text) OR ((wake_url IS NOT NULL) AND (wake_secret IS NOT NULL)))),
  constraint quiet_from_is_a_time_of_day CHECK ((quiet_from ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'::text)),
  constraint quiet_until_is_a_time_of_day CHECK ((quiet_until ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'::text)),
  constraint revalidate_after_is_positive CHECK ((revalidate_after > '00:00:00'::interval)),
  constraint runs_kept_for_is_positive CHECK ((runs_kept_for > '00:00:00'::interval)),
  constraint settings_have_one_row CHECK (only_row),
  constraint wake_is_known CHECK ((wake = ANY (ARRAY['listen'::text, 'pg_net'::text, 'none'::text]))),
  constraint wake_secret_begins_with_whsec CHECK ((wake_secret ~ '^whsec_[A-Za-z0-9+/]{32,}={0,2}$'::text)),
  constraint wake_url_is_http CHECK ((wake_url ~ '^https?://[^/]+$'::text)),
  constraint settings_pkey PRIMARY KEY (only_row)
);
CREATE TRIGGER t20_revise_holds BEFORE UPDATE ON baton.settings FOR EACH ROW WHEN (((((new.quiet_from IS DISTINCT FROM old.quiet_from) OR (new.quiet_until IS DISTINCT FROM old.quiet_until)) OR (new.default_zone IS DISTINCT FROM old.default_zone)) OR (new.daily_cap IS DISTINCT FROM old.daily_cap))) EXECUTE FUNCTION baton.revise_holds();
-- Settings of the whole deployment; one row.

create table baton.slots (
  job text not null,
  due_at timestamp with time zone not null,
  status text not null default 'planned'::text,
  settled_at timestamp with time zone,
  constraint settled_slot_has_settled_at CHECK (((status = 'planned'::text) = (settled_at IS NULL))),
  constraint slot_status_is_known CHECK ((status = ANY (ARRAY['planned'::text, 'started'::text, 'idle'::text, 'skipped'::text]))),
  constraint slots_job_fkey FOREIGN KEY (job) REFERENCES baton.jobs(name),
  constraint slots_pkey PRIMARY KEY (job, due_at)
);
CREATE INDEX slots_planned_idx ON baton.slots USING btree (job, due_at) WHERE (status = 'planned'::text);
-- One due moment of a schedule; unique, so any number of schedulers is harmless.

create table baton.source_secrets (
  source text not null,
  secret text not null,
  changed_at timestamp with time zone not null default baton.clock(),
  constraint source_secrets_source_fkey FOREIGN KEY (source) REFERENCES baton.sources(name) ON DELETE CASCADE,
  constraint source_secrets_pkey PRIMARY KEY (source)
);
-- Passwords and tokens of sources, apart so that nothing shows them by accident.

create table baton.sources (
  name text not null,
  kind text not null,
  url text not null,
  username text,
  settings jsonb not null default '{}'::jsonb,
  state text,
  max_parallel integer not null default 4,
  created_at timestamp with time zone not null default baton.clock(),
  changed_at timestamp with time zone not null default baton.clock(),
  constraint source_kind_is_known CHECK ((kind = ANY (ARRAY['jmap'::text, 'json'::text, 'noop'::text]))),
  constraint source_max_parallel_within_1_and_64 CHECK (((max_parallel >= 1) AND (max_parallel <= 64))),
  constraint source_name_is_letters_digits_and_some_punctuation CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$'::text)),
  constraint source_settings_are_an_object CHECK ((jsonb_typeof(settings) = 'object'::text)),
  constraint sources_pkey PRIMARY KEY (name)
);
-- Mailboxes and other collections that are synced.

create table baton.sync_jobs (
  id uuid not null default baton.ordered_id(),
  source text not null,
  kind text not null default 'full'::text,
  status text not null default 'pending'::text,
  plan jsonb not null default '{}'::jsonb,
  state text,
  error_message text,
  created_at timestamp with time zone not null default baton.clock(),
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  constraint ended_sync_job_has_completed_at CHECK (((status = ANY (ARRAY['pending'::text, 'processing'::text])) = (completed_at IS NULL))),
  constraint sync_job_kind_is_known CHECK ((kind = ANY (ARRAY['full'::text, 'changes'::text]))),
  constraint sync_job_plan_is_an_object CHECK ((jsonb_typeof(plan) = 'object'::text)),
  constraint sync_job_status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'completed'::text, 'partial_failure'::text, 'failed'::text, 'cancelled'::text]))),
  constraint sync_jobs_source_fkey FOREIGN KEY (source) REFERENCES baton.sources(name) ON DELETE CASCADE,
  constraint sync_jobs_pkey PRIMARY KEY (id)
);
CREATE INDEX sync_jobs_by_source_idx ON baton.sync_jobs USING btree (source, created_at DESC);
CREATE INDEX sync_jobs_ended_idx ON baton.sync_jobs USING btree (completed_at) WHERE (completed_at IS NOT NULL);
CREATE UNIQUE INDEX sync_jobs_one_active_per_source_idx ON baton.sync_jobs USING btree (source) WHERE (status = ANY (ARRAY['pending'::text, 'processing'::text]));
CREATE TRIGGER t50_forget_chunks AFTER DELETE ON baton.sync_jobs FOR EACH ROW EXECUTE FUNCTION baton.forget_chunks();
-- One pass over a source: everything, or the changes since the last one.

create table baton.ticks (
  id bigint not null generated always as identity,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null,
  status text not null,
  calls integer not null,
  worker text not null,
  unreachable jsonb not null default '[]'::jsonb,
  constraint tick_calls_are_not_negative CHECK ((calls >= 0)),
  constraint tick_finishes_after_its_start CHECK ((finished_at >= started_at)),
  constraint tick_status_is_known CHECK ((status = ANY (ARRAY['done'::text, 'out_of_time'::text, 'unreachable'::text]))),
  constraint tick_unreachable_is_an_array CHECK ((jsonb_typeof(unreachable) = 'array'::text)),
  constraint ticks_pkey PRIMARY KEY (id)
);
CREATE INDEX ticks_by_age_idx ON baton.ticks USING btree (finished_at);
-- Every tick: when, how long, how many calls, and which jobs it could not reach.

create sequence baton.attempt_mark_12345678;
-- The attempt_mark of the job with this lock; make_marks says what it means.

create sequence baton.attempt_mark_123456789;
-- The attempt_mark of the job with this lock; make_marks says what it means.

create sequence baton.attempt_mark_123456790;
-- No open attempt at chunks began before this moment, in microseconds since 1970.

create sequence baton.attempt_mark_123456791;
-- The attempt_mark of the job with this lock; make_marks says what it means.

create sequence baton.lock_ids;
-- Keys of advisory locks for jobs to come, in a range that applications rarely use.

create sequence baton.rank_mark_12345678;
-- The rank_mark of the job with this lock; make_marks says what it means.

create sequence baton.rank_mark_123456789;
-- The rank_mark of the job with this lock; make_marks says what it means.

create sequence baton.rank_mark_123456790;
-- No chunk that was never tried has a smaller rank.

create sequence baton.rank_mark_123456791;
-- The rank_mark of the job with this lock; make_marks says what it means.

create sequence baton.retry_mark_12345678;
-- The retry_mark of the job with this lock; make_marks says what it means.

create sequence baton.retry_mark_123456789;
-- The retry_mark of the job with this lock; make_marks says what it means.

create sequence baton.retry_mark_123456790;
-- No chunk is due again before this moment, in microseconds since 1970.

create sequence baton.retry_mark_123456791;
-- The retry_mark of the job with this lock; make_marks says what it means.

create sequence baton.woken_12345678;
-- From when on the job with this lock may be woken by a writer, in milliseconds since 1970.

create sequence baton.woken_123456789;
-- From when on the job with this lock may be woken by a writer, in milliseconds since 1970.
grant select on sequence baton.woken_123456789 to public;

create sequence baton.woken_123456790;
-- From when on the job with this lock may be woken by a writer, in milliseconds since 1970.

create sequence baton.woken_123456791;
-- From when on the job with this lock may be woken by a writer, in milliseconds since 1970.

create function baton.allow(p_component text, VARIADIC p_functions text[]) returns void;

create function baton.announce_ready(p_job baton.jobs, p_rank bigint, p_waits_until timestamp with time zone, p_is_due boolean) returns void;

create function baton.attach_trigger(p_table regclass, p_name text, p_definition text) returns void;

create function baton.cancel(job text, key text) returns boolean security definer;
-- Cancels the item of a job that has this key, if it is not under way.

create function baton.check_cycle_transition() returns trigger security definer;

create function baton.check_due_view(p_view regclass) returns void;

create function baton.check_item(p_run_at timestamp with time zone, p_priority integer, p_key text, p_data jsonb, p_now timestamp with time zone) returns void;

create function baton.check_message_transition() returns trigger security definer;

create function baton.clock() returns timestamp with time zone;
-- The time by which everything in Baton is decided.
grant execute on function baton.clock to baton_<database>_viewer;

create function baton.close(p_object text, p_acl aclitem[], p_owner oid) returns void;

create function baton.component_role(p_component text) returns text;

create function baton.create_job(name text, batch_size integer DEFAULT NULL::integer, max_parallel integer DEFAULT NULL::integer, rate_per_minute integer DEFAULT NULL::integer, rate_burst integer DEFAULT NULL::integer, max_attempts integer DEFAULT NULL::integer, lease_seconds integer DEFAULT NULL::integer, route text DEFAULT NULL::text, base_url text DEFAULT NULL::text, items_kept_for interval DEFAULT NULL::interval, due regclass DEFAULT NULL::regclass, settled regproc DEFAULT NULL::regproc) returns void;
-- Makes a job of the application, or changes the one of this name.

create function baton.definition_of_trigger(p_trigger oid) returns text;

create function baton.drop_job(name text, discard boolean DEFAULT false) returns void;
-- Removes a job of the application with its items.

create function baton.drop_marks(p_lock_id bigint) returns void;

create function baton.enqueue(job text, data jsonb DEFAULT '{}'::jsonb, key text DEFAULT NULL::text, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, priority integer DEFAULT 0) returns uuid security definer;
-- Adds an item to the queue of a job, in the caller's transaction.

create function baton.enqueue_many(job text, items jsonb) returns integer security definer;
-- Adds many items to the queue of a job at once.

create function baton.forbid(p_component text) returns void;

create function baton.forget_chunks() returns trigger security definer;

create function baton.forget_late_marks() returns integer;

create function baton.forget_verdict() returns trigger;

create function baton.functions_owner() returns text;

create function baton.has_search_path(p_path text) returns boolean;

create function baton.hmac_sha256(p_key bytea, p_message bytea) returns bytea;

create function baton.lend_marks(p_lock_id bigint) returns void;

create function baton.let_functions_read(p_view regclass) returns void;

create function baton.look_at_held_messages() returns trigger security definer;

create function baton.make_marks(p_lock_id bigint) returns void;

create function baton.make_ready(p_job baton.jobs, p_ids uuid[], p_priorities integer[], p_run_at timestamp with time zone[], p_now timestamp with time zone) returns void;

create function baton.mark_woken(p_lock_id bigint) returns boolean;

create function baton.mirror_auto_sync_message() returns trigger security definer;

create function baton.note_contact() returns trigger security definer;

create function baton.nth_id(p_milliseconds bigint, p_n bigint) returns uuid;

create function baton.ordered_id() returns uuid;
-- A new id that sorts by the time of its making.

create function baton.queue_of(p_job text) returns baton.jobs;

create function baton.register_job(p_job text, p_functions jsonb, p_parallel_limit integer DEFAULT 64, p_on_slot text DEFAULT NULL::text, p_runs_are_attempts boolean DEFAULT false, p_kind text DEFAULT 'custom'::text) returns void;

create function baton.register_settled(p_job baton.jobs, p_function regproc, p_search_path text) returns void;

create function baton.revise_holds() returns trigger security definer;

create function baton.role_name(p_for text) returns text;

create function baton.schedule_first_reminder() returns trigger security definer;

create function baton.set_schedule(job text, cron text) returns void;
-- Sets when a job gets an item, or starts a cycle, by itself.

create function baton.this_database(OUT database_oid bigint, OUT server text) returns record;

create function baton.wake(p_job text) returns void;

create function baton.wake_auto_sync_jobs() returns trigger security definer;

create function baton.wake_for_writer(p_job text) returns void;

create function baton.wake_job() returns trigger security definer;

create function baton.was_moved() returns boolean;

create function baton.webhook_headers(p_secret text, p_id text, p_at timestamp with time zone, p_body text) returns jsonb;

create function baton.woken_since(p_since bigint, OUT routes text[], OUT latest bigint) returns record;

create function baton_api.add_results(p_attempt baton.attempts, p_result jsonb) returns jsonb;
-- What came of an attempt's items in all its turns (internal).

create function baton_api.all_done(p_item_ids text[], p_outcomes jsonb) returns boolean;
-- Whether outcomes say of every item of a batch that it is done (internal).

create function baton_api.apply_chunk_results(p_job baton.jobs, p_attempt baton.attempts, p_outcomes jsonb, p_now timestamp with time zone) returns void;
-- Applies what chunks brought (internal).

create function baton_api.apply_message_outcomes(p_attempt baton.attempts, p_outcomes jsonb, p_now timestamp with time zone) returns void;
-- Applies what became of messages of an attempt (internal).

create function baton_api.apply_verdicts(p_item_ids text[], p_outcomes jsonb, p_cycle_id uuid, p_now timestamp with time zone) returns jsonb;
-- Writes verdicts into the contacts of an attempt (internal).

create function baton_api.apply_verdicts_one_by_one(p_item_ids text[], p_outcomes jsonb, p_cycle_id uuid, p_now timestamp with time zone) returns jsonb;
-- Writes verdicts one by one and sets aside what raises an error (internal).

create function baton_api.attempt_of(p_token uuid) returns uuid[];
-- What the id of the attempt may be that a token names (internal).

create function baton_api.auto_syncs_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamp with time zone) returns jsonb;
-- What auto-sync-jobs can do now (internal).

create function baton_api.block_channels(p_channel text, p_provider text, p_seconds integer, p_reason text, p_now timestamp with time zone) returns void;
-- Blocks the channels that a provider serves (internal).

create function baton_api.blocked_channels(p_now timestamp with time zone) returns TABLE(channel text, provider text, blocked_until timestamp with time zone, reason text);
-- The channels whose provider gets no request now (internal).

create function baton_api.brings_something(p_outcome jsonb) returns boolean;
-- Whether the outcome of a chunk has something for its sync job or source (internal).

create function baton_api.cancel_item(p_job text, p_item_id uuid, p_who text) returns jsonb security definer;
-- Cancels an item that is not under way.

create function baton_api.cancel_sync(p_source text, p_who text) returns jsonb security definer;
-- Cancels the sync of a source that is under way.

create function baton_api.check_chunk_outcomes(p_outcomes jsonb) returns void;
-- Refuses outcomes of chunks that are malformed (internal).

create function baton_api.check_isolation() returns void;
-- Refuses to decide under another isolation level than read committed (internal).

create function baton_api.check_outcomes(p_outcomes jsonb) returns void;
-- Refuses outcomes of items that are malformed (internal).

create function baton_api.check_role(p_job text) returns void;
-- Refuses a caller that is neither the role of this job nor the owner (internal).

create function baton_api.chunk_of(p_item baton.items) returns text;
-- What a worker is told of a chunk (internal).

create function baton_api.chunks_of(p_token uuid, p_item_ids text[], p_group_ids uuid[], p_now timestamp with time zone) returns text;
-- The answer to a claim of chunks (internal).

create function baton_api.claim_after(p_job baton.jobs, p_attempt baton.attempts, p_claim_next boolean, p_now timestamp with time zone, OUT token uuid, OUT item_ids text[], OUT group_ids uuid[], OUT again jsonb) returns record;
-- Says what the caller of a settlement does next (internal).

create function baton_api.claim_auto_sync_jobs(p_trigger text, p_worker text) returns jsonb security definer;
-- Works the queued jobs of auto-syncs that are due and claims their messages, or says why not.
grant execute on function baton_api.claim_auto_sync_jobs to baton_<database>_auto_sync_jobs;

create function baton_api.claim_contacts(p_trigger text, p_worker text) returns jsonb security definer;
-- Claims the next batch of contacts to validate, or says why not.
grant execute on function baton_api.claim_contacts to baton_<database>_validate_contacts;

create function baton_api.claim_items(p_job text, p_trigger text, p_worker text) returns jsonb security definer;
-- Claims the next items of a job, or says why not.

create function baton_api.claim_next_chunk_job_safe(p_trigger text, p_worker text) returns jsonb security definer;
-- Claims the next chunks of sync jobs, or says why not.
grant execute on function baton_api.claim_next_chunk_job_safe to baton_<database>_process_chunks;

create function baton_api.claim_next_items(p_job baton.jobs, p_trigger text, p_worker text, p_after baton.attempts) returns jsonb;
-- Claims the next items of a job (internal).

create function baton_api.claim_reminders(p_trigger text, p_worker text) returns jsonb security definer;
-- Claims the next reminders about assignments that nobody followed up, or says why not.
grant execute on function baton_api.claim_reminders to baton_<database>_follow_up_reminders;

create function baton_api.clean_up_chunks(p_limit integer) returns integer;
-- What a tick does for chunks before the work (internal).

create function baton_api.cleanup_stuck_chunks() returns integer security definer;
-- Makes chunks due again that are under way for more than 10 minutes and that no attempt has.

create function baton_api.closed_groups(p_job baton.jobs, p_locked uuid[], p_after uuid, p_now timestamp with time zone) returns uuid[];
-- The groups of a job whose items may not be taken now (internal).

create function baton_api.commit_durably() returns void;
-- Makes this transaction wait until it is on disk (internal).

create function baton_api.complete_chunk_job_safe(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean DEFAULT false) returns jsonb security definer;
-- Settles an attempt at chunks, and claims the next ones if asked to.
grant execute on function baton_api.complete_chunk_job_safe to baton_<database>_process_chunks;

create function baton_api.complete_validation_session(p_session_id uuid, p_status text DEFAULT 'completed'::text, p_error_message text DEFAULT NULL::text) returns boolean security definer;
-- Ends a validation cycle by hand.

create function baton_api.configure_job(p_job text, p_changes jsonb, p_who text) returns jsonb security definer;
-- Changes settings of a job from its next claim on.

create function baton_api.configure_settings(p_changes jsonb, p_who text) returns jsonb security definer;
-- Changes settings of the whole deployment.

create function baton_api.contacts_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamp with time zone) returns jsonb;
-- What validate-contacts can do now (internal).

create function baton_api.correct_last_contact_date(p_assignment_id text, p_last_contact_date text, p_who text, p_why text) returns jsonb security definer;
-- Corrects when an assignment was last followed up, on the record.
grant execute on function baton_api.correct_last_contact_date to baton_<database>_follow_up_reminders;

create function baton_api.count_due_contacts(p_now timestamp with time zone, p_most bigint) returns bigint;
-- How many contacts are due (internal).

create function baton_api.cycle_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamp with time zone, p_has_work boolean) returns jsonb;
-- What a job that works in cycles can do now (internal).

create function baton_api.daytime_at(p_zone text, p_at timestamp with time zone, p_from time without time zone, p_until time without time zone) returns timestamp with time zone;
-- The first moment at which it is not quiet in a time zone (internal).

create function baton_api.decline_as_busy(p_job baton.jobs, p_until timestamp with time zone, p_trigger text, p_worker text, p_now timestamp with time zone) returns jsonb;
-- Answers a caller that could not have its turn: busy, or idle when nothing is due (internal).

create function baton_api.decline_run(p_job text, p_status text, p_reason text, p_until timestamp with time zone, p_trigger text, p_worker text, p_now timestamp with time zone) returns jsonb;
-- Logs a run that did nothing and says why and until when (internal).

create function baton_api.delete_items(p_ids uuid[]) returns void;
-- Deletes items with all that is known of them (internal).

create function baton_api.done_result(p_items integer) returns jsonb;
-- The result of a settlement after which all items of the batch are done (internal).

create function baton_api.drain_group(p_job baton.jobs, p_group_id uuid, p_error text, p_limit integer, p_now timestamp with time zone) returns integer;
-- Cancels the items of a group that no attempt has (internal).

create function baton_api.drain_sync_jobs(p_limit integer) returns integer;
-- Cancels chunks whose sync job has ended (internal).

create function baton_api.drop_failed_chunks(p_source text, p_who text) returns jsonb security definer;
-- Gives up the failed chunks of a source's latest sync job for good.

create function baton_api.drop_items(p_job text, p_item_id uuid, p_who text) returns jsonb security definer;
-- Gives up items that failed.

create function baton_api.drop_set_aside(p_job text, p_item_id text, p_who text) returns jsonb security definer;
-- Gives items up that are set aside.

create function baton_api.due_assignments(p_cycle_id uuid, p_limit bigint) returns TABLE(id text, since timestamp with time zone);
-- The assignments that a cycle has still to remind of, longest due first (internal).

create function baton_api.due_contacts(p_as_of timestamp with time zone, p_stale_before timestamp with time zone, p_cycle_id uuid, p_limit bigint) returns TABLE(id text, email text);
-- The contacts that a cycle has still to validate, longest due first (internal).

create function baton_api.due_work(p_limit integer) returns jsonb security definer;
-- Which jobs can run now, and why not for the rest.
grant execute on function baton_api.due_work to baton_<database>_scheduler;

create function baton_api.each_outcome(p_item_ids text[], p_outcomes jsonb) returns jsonb;
-- The outcomes of a batch, one for each item (internal).

create function baton_api.end_dead_attempts(p_limit integer) returns jsonb security definer;
-- Ends dead attempts and gives their items back; bounded.
grant execute on function baton_api.end_dead_attempts to baton_<database>_scheduler;

create function baton_api.enqueue_chunks(p_sync_job_id uuid, p_work jsonb) returns jsonb security definer;
-- Adds chunks to a sync job.

create function baton_api.enqueue_in_group(p_job baton.jobs, p_group_id uuid, p_data jsonb, p_now timestamp with time zone) returns integer;
-- Adds items to a group (internal).

create function baton_api.explain_job(p_job baton.jobs, p_now timestamp with time zone) returns jsonb security definer;
-- Whether one job can run now, and if not, why; broken when its query fails (internal).
grant execute on function baton_api.explain_job to baton_<database>_viewer;

create function baton_api.extend_attempt(p_attempt_id uuid) returns jsonb security definer;
-- Renews the lease of an open attempt; says when it is lost.
grant execute on function baton_api.extend_attempt to baton_<database>_auto_sync_jobs;
grant execute on function baton_api.extend_attempt to baton_<database>_follow_up_reminders;
grant execute on function baton_api.extend_attempt to baton_<database>_process_chunks;
grant execute on function baton_api.extend_attempt to baton_<database>_validate_contacts;

create function baton_api.feed_rows(p_job baton.jobs, p_limit integer, p_now timestamp with time zone) returns void;
-- Takes due rows of the application into the queue (internal).

create function baton_api.finish_cycle(p_cycle_id uuid, p_now timestamp with time zone) returns void;
-- Completes a running cycle (internal).

create function baton_api.finish_ended_sync_jobs(p_limit integer) returns void;
-- Ends sync jobs whose chunks have all come to their end (internal).

create function baton_api.finish_sync_job(p_job baton.jobs, p_sync_job_id uuid, p_now timestamp with time zone) returns void;
-- Ends a sync job whose chunks are all at their end (internal).

create function baton_api.first_id_at(p_at timestamp with time zone) returns uuid;
-- The smallest id that is made from a moment on (internal).

create function baton_api.forget_refused_callbacks(p_route text) returns void;
-- Begins the count of refused callbacks anew (internal).

create function baton_api.get_active_advisory_locks() returns TABLE(lock_id bigint, lock_name text, kind text, holder text, pid integer, granted boolean, age interval, leased_until timestamp with time zone) security definer;
-- Advisory locks and live leases, with their jobs, holders and ages.
grant execute on function baton_api.get_active_advisory_locks to baton_<database>_viewer;

create function baton_api.get_sync_job_progress(p_sync_job text) returns jsonb security definer;
-- How far a sync job is, in numbers, percent and expected end.

create function baton_api.give_up_contacts(p_cycle_id uuid, p_now timestamp with time zone) returns void;
-- Sets contacts aside whose validation keeps killing its worker (internal).

create function baton_api.go_on(p_job baton.jobs, p_attempt baton.attempts, p_result jsonb, p_more boolean, p_now timestamp with time zone, OUT token uuid, OUT item_ids text[], OUT group_ids uuid[], OUT again jsonb) returns record;
-- The next turn of an attempt, or its end (internal).

create function baton_api.goes_on(p_trigger text) returns boolean;
-- Whether a caller with this trigger calls again by itself (internal).

create function baton_api.group_has_ended(p_job baton.jobs, p_group_id uuid) returns boolean;
-- Whether no item of a group waits or is under way (internal).

create function baton_api.has_due_rows(p_job baton.jobs, p_now timestamp with time zone) returns boolean;
-- Whether the view of a job has a due row that is not in the queue (internal).

create function baton_api.has_open_ready_items(p_job baton.jobs, p_now timestamp with time zone) returns boolean;
-- Whether a group that may be taken now has an item that is ready (internal).

create function baton_api.has_ready_items(p_job baton.jobs, p_now timestamp with time zone) returns boolean;
-- Whether an item of a job could be taken now (internal).

create function baton_api.has_waiting_items(p_group_id uuid) returns boolean;
-- Whether an item of a group waits that no attempt has (internal).

create function baton_api.hold_after_failover(p_now timestamp with time zone) returns boolean;
-- Pauses the sending of messages when the server's history changed (internal).

create function baton_api.hold_at_ceiling(p_ceiling integer, p_more bigint, p_now timestamp with time zone) returns boolean;
-- Pauses the sending of messages at the ceiling of an hour (internal).

create function baton_api.is_needed(p_purpose text, p_subject_id text, p_recipient_id text, p_reserved_at timestamp with time zone) returns boolean;
-- Whether the reason for a message still holds (internal).

create function baton_api.is_past(p_until timestamp with time zone, p_now timestamp with time zone, p_most interval) returns boolean;
-- Whether a stored deadline is over (internal).

create function baton_api.is_time_zone(p_zone text) returns boolean;
-- Whether PostgreSQL knows a time zone of this name (internal).

create function baton_api.is_transient(p_sqlstate text) returns boolean;
-- Whether an error is one that a later attempt may not meet (internal).

create function baton_api.item_of(p_item baton.items, p_max_attempts integer) returns text;
-- What a worker is told of an item (internal).

create function baton_api.items_again(p_job baton.jobs, p_now timestamp with time zone) returns jsonb;
-- Whether another call for items is worth while, and when (internal).

create function baton_api.items_of(p_token uuid, p_item_ids text[], p_max_attempts integer) returns text;
-- What a worker is told of the items that it claimed (internal).

create function baton_api.job_function(p_job text, p_hook text) returns text;
-- The function that a job has registered for a hook (internal).

create function baton_api.job_of(p_name text) returns baton.jobs;
-- A job by its name (internal).

create function baton_api.job_state(p_job baton.jobs, p_now timestamp with time zone) returns jsonb security definer;
-- Whether one job can run now, and if not, why and until when (internal).

create function baton_api.job_throttle(p_job baton.jobs, p_now timestamp with time zone) returns jsonb;
-- How many items of a job may start now, and if none, until when (internal).

create function baton_api.latest_sync_job(p_source text) returns baton.sync_jobs;
-- The latest sync job of a source (internal).

create function baton_api.lease_messages(p_job text, p_attempt_id uuid, p_limit integer, p_now timestamp with time zone) returns uuid[];
-- Leases due messages of a job to an attempt (internal).

create function baton_api.lock_attempt(p_token uuid, p_now timestamp with time zone, OUT answer jsonb, OUT attempt baton.attempts, OUT job baton.jobs) returns record;
-- Locks an attempt that is to be settled, or says why it cannot be (internal).

create function baton_api.lock_touched_groups(p_attempt baton.attempts, p_group_ids uuid[], p_outcomes jsonb) returns uuid[];
-- Locks the groups that a settlement of chunks may change (internal).

create function baton_api.log_run(p_job text, p_status text, p_reason text, p_counts jsonb, p_trigger text, p_worker text, p_attempt_id uuid, p_started_at timestamp with time zone, p_finished_at timestamp with time zone) returns void;
-- Writes one line of the execution log (internal).

create function baton_api.lose_attempt(p_attempt baton.attempts, p_reason text, p_now timestamp with time zone) returns void;
-- Closes an attempt whose work no longer counts (internal).

create function baton_api.lose_contacts(p_attempt baton.attempts, p_reason text, p_now timestamp with time zone) returns void;
-- Counts a loss for the contacts of an attempt that died (internal).

create function baton_api.lose_items(p_job baton.jobs, p_attempt baton.attempts, p_now timestamp with time zone) returns void;
-- Gives back the items of an attempt that died (internal).

create function baton_api.lose_messages(p_attempt baton.attempts, p_reason text, p_now timestamp with time zone) returns void;
-- Takes back the messages of an attempt that died (internal).

create function baton_api.lost_by_moving() returns text[];
-- What a database lacks since it was copied, restored or renamed.

create function baton_api.lower_marks(p_job baton.jobs) returns void;
-- Lowers the marks of a job's items where they are too high (internal).

create function baton_api.mark(p_name text, p_lock_id bigint) returns bigint;
-- The value of a mark of a job (internal).

create function baton_api.mark_at(p_name text, p_lock_id bigint) returns timestamp with time zone;
-- The moment that a mark of a job stands for (internal).

create function baton_api.mask_secrets(p_text text) returns text;
-- A text without the keys and tokens in its URLs (internal).
grant execute on function baton_api.mask_secrets to baton_<database>_viewer;

create function baton_api.may_start_cycle(p_job text, p_now timestamp with time zone) returns jsonb;
-- Whether a job may start a cycle by itself, and if not, why (internal).

create function baton_api.message_route(p_phone text, p_email text) returns TABLE(channel text, recipient text);
-- By which way somebody is written to, and where (internal).

create function baton_api.message_work(p_job text, p_now timestamp with time zone) returns jsonb;
-- Whether a job has messages, or what leads to them, to do (internal).

create function baton_api.microseconds(p_at timestamp with time zone) returns bigint;
-- A moment as microseconds since 1970 (internal).

create function baton_api.next_item_due_at(p_job baton.jobs, p_now timestamp with time zone) returns timestamp with time zone;
-- When the next item of a job is due that waits (internal).

create function baton_api.next_turn(p_kind text, p_token uuid, p_outcomes jsonb, p_now timestamp with time zone, OUT token uuid, OUT item_ids text[], OUT group_id uuid, OUT max_attempts integer, OUT done integer, OUT knows boolean) returns record;
-- The short way of a settlement that wants more (internal).

create function baton_api.note_long_cycles(p_cycle_id uuid, p_now timestamp with time zone) returns void;
-- Notes an alert for each cycle that runs too long, once (internal).

create function baton_api.note_providers(p_letters jsonb) returns void;
-- Remembers which provider serves each channel (internal).

create function baton_api.open_attempts_of(p_job baton.jobs, p_now timestamp with time zone) returns baton_api.open_attempts;
-- The open attempts of a job (internal).

create function baton_api.open_gate(p_job baton.jobs, p_trigger text, p_worker text, p_open_since timestamp with time zone, OUT declined jsonb, OUT item_limit integer, OUT seat integer, OUT open_attempts integer, OUT now timestamp with time zone) returns record;
-- Takes a job's lock or a seat of it and says how many items may be taken, or why none (internal).

create function baton_api.open_message_attempt(p_job baton.jobs, p_attempt_id uuid, p_ids uuid[], p_trigger text, p_worker text, p_now timestamp with time zone) returns jsonb;
-- Opens an attempt at messages and builds the answer of its claim (internal).

create function baton_api.pause_job(p_job text, p_who text, p_reason text) returns jsonb security definer;
-- Pauses a job after the batch under way.

create function baton_api.pause_sending(p_reason text, p_now timestamp with time zone) returns void;
-- Pauses both jobs that send (internal).

create function baton_api.pick_group_items(p_job baton.jobs, p_limit integer, p_after baton.attempts, p_now timestamp with time zone) returns tid[];
-- Chooses and locks the next items of a job that has groups (internal).

create function baton_api.pick_items(p_job baton.jobs, p_limit integer, p_now timestamp with time zone) returns tid[];
-- Chooses and locks the next items of a job (internal).

create function baton_api.plain_words(p_text text, p_longest integer) returns text;
-- What a user wrote, as it may stand in a message to others (internal).

create function baton_api.plan_slots(p_slots jsonb) returns jsonb security definer;
-- Inserts the next slots of schedules, once each.
grant execute on function baton_api.plan_slots to baton_<database>_scheduler;

create function baton_api.prune(p_limit integer) returns jsonb security definer;
-- Samples the queue and deletes what is old; bounded.
grant execute on function baton_api.prune to baton_<database>_scheduler;

create function baton_api.prune_items(p_limit integer, p_now timestamp with time zone) returns integer;
-- Deletes items that ended long enough ago (internal).

create function baton_api.prune_messages(p_limit integer, p_now timestamp with time zone) returns integer;
-- Deletes messages that ended long enough ago (internal).

create function baton_api.prune_queued_jobs(p_limit integer, p_now timestamp with time zone) returns integer;
-- Deletes queued jobs of auto-syncs that were worked long enough ago (internal).

create function baton_api.prune_routes(p_limit integer, p_now timestamp with time zone) returns integer;
-- Deletes mail routes that are out of date (internal).

create function baton_api.prune_sync_jobs(p_limit integer, p_now timestamp with time zone) returns integer;
-- Deletes sync jobs that ended long enough ago (internal).

create function baton_api.queue_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamp with time zone) returns jsonb;
-- Whether a job has items that can be taken now (internal).

create function baton_api.quiet_until(p_zones text[], p_now timestamp with time zone, p_from time without time zone, p_until time without time zone) returns timestamp with time zone;
-- Until when it is night in any of the zones; null by day (internal).

create function baton_api.raise_marks(p_job baton.jobs, p_rank bigint, p_now timestamp with time zone) returns void;
-- Moves up where claims of a job's items begin to look (internal).

create function baton_api.readiness() returns jsonb security definer;
-- Whether ticks arrive and no work is overdue, with stable codes of what is wrong.
grant execute on function baton_api.readiness to baton_<database>_scheduler;

create function baton_api.record_delivery(p_message_id uuid, p_provider_id text, p_delivery jsonb) returns jsonb security definer;
-- Records what a provider tells of a message.
grant execute on function baton_api.record_delivery to baton_<database>_message_callbacks;

create function baton_api.record_opt_out(p_channel text, p_address text, p_out boolean, p_provider_id text DEFAULT NULL::text) returns jsonb security definer;
-- Records that a recipient wants no more messages, or wants them again.
grant execute on function baton_api.record_opt_out to baton_<database>_message_callbacks;

create function baton_api.record_refused_callback(p_route text) returns jsonb security definer;
-- Counts a callback whose signature was wrong.
grant execute on function baton_api.record_refused_callback to baton_<database>_message_callbacks;

create function baton_api.record_tick(p_tick jsonb) returns jsonb security definer;
-- Notes a tick: how long it took, and which jobs it could not reach.
grant execute on function baton_api.record_tick to baton_<database>_scheduler;

create function baton_api.refresh_recipients(p_job text, p_ids uuid[]) returns void;
-- Gives messages the recipients that the application has for them now (internal).

create function baton_api.release_messages(p_attempt_id uuid, p_ids uuid[], p_died boolean, p_now timestamp with time zone) returns void;
-- Takes back what an attempt had of messages and never told about (internal).

create function baton_api.reminders_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamp with time zone) returns jsonb;
-- What follow-up-reminders can do now (internal).

create function baton_api.remove_source(p_name text, p_who text) returns jsonb security definer;
-- Removes a source and the history of its syncs.

create function baton_api.renew_lease(p_attempt_id uuid, p_now timestamp with time zone) returns timestamp with time zone;
-- Renews the lease of an open attempt (internal).

create function baton_api.reserve_reminders(p_cycle_id uuid, p_attempt_id uuid, p_limit integer, p_now timestamp with time zone, OUT ids uuid[], OUT seen integer) returns record;
-- Reserves reminders about due assignments (internal).

create function baton_api.reserve_reminders_of(p_due jsonb, p_attempt_id uuid, p_now timestamp with time zone, OUT ids uuid[], OUT seen integer) returns record;
-- Reserves reminders about these assignments (internal).

create function baton_api.resolve_message(p_message_id uuid, p_resolution text, p_who text) returns jsonb security definer;
-- A person decides about a message.

create function baton_api.response_goal_met(p_sync auto_syncs) returns boolean;
-- Whether an auto-sync has the answers that it waits for (internal).

create function baton_api.resume_job(p_job text, p_who text) returns jsonb security definer;
-- Lets a paused job run again.

create function baton_api.retry_group(p_job baton.jobs, p_group_id uuid, p_now timestamp with time zone) returns integer;
-- Lets items of a group that failed or were cancelled be tried again (internal).

create function baton_api.retry_items(p_job text, p_item_id uuid, p_who text) returns jsonb security definer;
-- Lets items that failed be tried again.

create function baton_api.retry_set_aside(p_job text, p_item_id text, p_who text) returns jsonb security definer;
-- Lets items that are set aside be tried again.

create function baton_api.retry_sync(p_source text, p_who text) returns jsonb security definer;
-- Lets the failed chunks of a source's latest sync job try again.

create function baton_api.save_source(p_name text, p_kind text, p_url text, p_username text, p_secret text, p_settings jsonb, p_who text) returns jsonb security definer;
-- Adds a source to sync, or changes it.

create function baton_api.set_item_aside(p_job text, p_item_id text, p_sqlstate text, p_message text, p_now timestamp with time zone) returns void;
-- Sets an item aside whose work raised an error (internal).

create function baton_api.set_mark(p_name text, p_lock_id bigint, p_value bigint) returns void;
-- Sets a mark of a job (internal).

create function baton_api.set_schedule(p_job text, p_cron text, p_who text) returns jsonb security definer;
-- Sets when a job starts a cycle by itself, or never.

create function baton_api.set_wake(p_mode text, p_url text, p_secret text, p_who text) returns jsonb security definer;
-- Sets how the database wakes jobs.

create function baton_api.settle_chunks_as_text(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean, p_remembers boolean) returns text security definer;
-- Settles an attempt at chunks, with the answer as text.
grant execute on function baton_api.settle_chunks_as_text to baton_<database>_process_chunks;

create function baton_api.settle_contacts(p_attempt_id uuid, p_outcomes jsonb, p_routes jsonb, p_throttle jsonb, p_claim_next boolean DEFAULT false) returns jsonb security definer;
-- Applies the verdicts of an attempt and moves its cycle on.
grant execute on function baton_api.settle_contacts to baton_<database>_validate_contacts;

create function baton_api.settle_items(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean) returns jsonb security definer;
-- Settles an attempt at items, and claims the next ones if asked to.

create function baton_api.settle_items_as_text(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean) returns text security definer;
-- Settles an attempt at items, with the answer as text.

create function baton_api.settle_messages(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean DEFAULT false) returns jsonb security definer;
-- Settles an attempt at messages.
grant execute on function baton_api.settle_messages to baton_<database>_auto_sync_jobs;
grant execute on function baton_api.settle_messages to baton_<database>_follow_up_reminders;

create function baton_api.settle_slots(p_job text, p_status text, p_now timestamp with time zone) returns integer;
-- Marks the slots of a job that are due by now (internal).

create function baton_api.skip_slots(p_limit integer, p_now timestamp with time zone) returns integer;
-- Skips slots that fell into a running cycle (internal).

create function baton_api.spend_tokens(p_job text, p_spent integer, p_now timestamp with time zone) returns void;
-- Keeps the token bucket honest about calls made late in a batch (internal).

create function baton_api.stale_before(p_as_of timestamp with time zone) returns timestamp with time zone;
-- Verdicts given before this moment are due again (internal).

create function baton_api.start_slots(p_limit integer, p_now timestamp with time zone) returns integer;
-- Adds the items of slots that are due to the queues of their jobs (internal).

create function baton_api.start_sync(p_source text, p_full boolean, p_who text) returns jsonb security definer;
-- Starts a sync of a source, or finds the one under way.

create function baton_api.start_validation_session(p_total_contacts bigint DEFAULT NULL::bigint, p_config jsonb DEFAULT '{}'::jsonb) returns uuid security definer;
-- Starts a validation cycle by hand; 23P01 while another one runs.

create function baton_api.store_done(p_kind text, p_job text, p_attempt_id uuid, p_item_ids text[], p_since timestamp with time zone, p_now timestamp with time zone) returns integer;
-- Writes that items are done (internal).

create function baton_api.store_outcomes(p_job baton.jobs, p_attempt baton.attempts, p_outcomes jsonb, p_now timestamp with time zone) returns jsonb;
-- Writes what came of the items of an attempt (internal).

create function baton_api.submit_messages(p_attempt_id uuid, p_outcomes jsonb, p_letters jsonb) returns jsonb security definer;
-- Says which messages may go out now, and notes that they are going out.
grant execute on function baton_api.submit_messages to baton_<database>_auto_sync_jobs;
grant execute on function baton_api.submit_messages to baton_<database>_follow_up_reminders;

create function baton_api.sweep_attempts(p_job text, p_limit integer) returns integer;
-- Ends attempts whose lease ran out (internal).

create function baton_api.sweep_part(p_part text, p_limit integer, p_now timestamp with time zone) returns integer;
-- One part of the housekeeping (internal).

create function baton_api.sweep_parts(p_parts text[], p_limit integer) returns jsonb;
-- Does parts of the housekeeping, none stopping another (internal).

create function baton_api.take_items(p_job baton.jobs, p_limit integer, p_after baton.attempts, p_now timestamp with time zone, OUT item_ids text[], OUT group_ids uuid[], OUT rank bigint) returns record;
-- Takes the next items of a job out of those that are ready (internal).

create function baton_api.take_tokens(p_job text, p_items integer, p_now timestamp with time zone) returns void;
-- Takes tokens for items about to be started (internal).

create function baton_api.tell_rows(p_job baton.jobs, p_attempt baton.attempts, p_outcomes jsonb) returns jsonb;
-- Tells the application what came of its rows (internal).

create function baton_api.tokens_at(p_job baton.jobs, p_limiter baton.limiters, p_now timestamp with time zone) returns double precision;
-- What the bucket of a limited job holds at a moment (internal).

create function baton_api.trigger_next_chunk_processing() returns void;
-- Wakes process-chunks because chunks were added (internal).

create function baton_api.turn_token(p_attempt_id uuid, p_turn integer) returns uuid;
-- The token of an attempt's turn (internal).

create function baton_api.unreachable_assignments() returns jsonb;
-- Assignments that are never due (internal).

create function baton_api.unreachable_contacts() returns jsonb;
-- Contacts that are never due (internal).

create function baton_api.unreachable_rows() returns jsonb security definer;
-- Rows of the application that are never due, because a moment is missing or infinite.

create function baton_api.update_validation_session(p_session_id uuid, p_validated_count bigint, p_iteration integer) returns boolean security definer;
-- Sets the counts of a running validation cycle by hand.

create function baton_api.uuids(p_ids jsonb) returns uuid[];
-- An array of ids out of JSON (internal).

create function baton_api.wait_for_turn(p_lock_id bigint, p_seat integer) returns boolean;
-- Waits for an advisory lock, but not long (internal).

create function baton_api.work_queued_job(p_sync_id uuid, p_job_type text, p_scheduled_at timestamp with time zone, p_now timestamp with time zone) returns jsonb;
-- Does what a queued job of an auto-sync asks for (internal).

create function baton_api.work_queued_jobs(p_now timestamp with time zone) returns jsonb;
-- Works the queued jobs of auto-syncs that are due (internal).

create view baton_board.alerts (id bigint, job text, cycle_id uuid, reason text, started_at timestamp with time zone, noticed_at timestamp with time zone, seconds numeric, alert_after_seconds integer);
-- Cycles that ran for longer than their job's alert threshold.
grant select on table baton_board.alerts to baton_<database>_viewer;

create view baton_board.chunk_attempts (source text, sync_job_id uuid, queue_id uuid, number bigint, worker_id text, started_at timestamp with time zone, ended_at timestamp with time zone, outcome text, error text);
-- Every try at every chunk: by which worker, when, and what came of it.
grant select on table baton_board.chunk_attempts to baton_<database>_viewer;

create view baton_board.chunk_processing_queue (id uuid, chunk_id uuid, parent_sync_job_id uuid, status text, attempts integer, max_attempts integer, created_at timestamp with time zone, started_at timestamp with time zone, completed_at timestamp with time zone, error_message text, worker_id text, retry_at timestamp with time zone, items integer);
-- The chunks of sync jobs: by which worker each is done, how often it was tried, and how it ended.
grant select on table baton_board.chunk_processing_queue to baton_<database>_viewer;

create view baton_board.chunk_processing_status (parent_sync_job_id text, source text, kind text, overall_status text, total_chunks bigint, pending_chunks bigint, processing_chunks bigint, completed_chunks bigint, failed_chunks bigint, synced_items bigint, progress_percentage numeric, eta timestamp with time zone, created_at timestamp with time zone, started_at timestamp with time zone, completed_at timestamp with time zone, error_message text, is_refused boolean);
-- How far each sync job is: chunks by status, percentage, expected end.
grant select on table baton_board.chunk_processing_status to baton_<database>_viewer;

create view baton_board.chunked_sync_jobs (id uuid, sync_job_id uuid, work jsonb, created_at timestamp with time zone);
-- The pieces of sync jobs: what is to be done.
grant select on table baton_board.chunked_sync_jobs to baton_<database>_viewer;

create view baton_board.contact_verdicts (status text, reason text, contacts bigint);
-- How many contacts have which verdict, and why.
grant select on table baton_board.contact_verdicts to baton_<database>_viewer;

create view baton_board.cycle_log (id uuid, job text, status text, started_at timestamp with time zone, completed_at timestamp with time zone, seconds numeric, total_items bigint, done_items bigint, iteration integer, trigger text, error_message text);
-- Every cycle of every job: when, how long, how much.
grant select on table baton_board.cycle_log to baton_<database>_viewer;

create view baton_board.cycles_running_too_long (job text, id uuid, started_at timestamp with time zone, running_for interval, alert_after interval);
-- Cycles that have been running for longer than their job's alert threshold.
grant select on table baton_board.cycles_running_too_long to baton_<database>_viewer;

create view baton_board.execution_log (id bigint, job text, status text, run_status text, reason text, counts jsonb, trigger text, worker text, started_at timestamp with time zone, finished_at timestamp with time zone, duration_seconds numeric);
-- Every run as success, skipped or failed, with its duration and counts.
grant select on table baton_board.execution_log to baton_<database>_viewer;

create view baton_board.failed_chunks (source text, sync_job_id uuid, queue_id uuid, work jsonb, attempts integer, error_message text, completed_at timestamp with time zone);
-- The dead letters: chunks that failed for good, and why.
grant select on table baton_board.failed_chunks to baton_<database>_viewer;

create view baton_board.failed_items (job text, item_id uuid, key text, data jsonb, attempts integer, failed_at timestamp with time zone, worker text, error text);
-- Items that failed for good, until an operator retries or drops them.
grant select on table baton_board.failed_items to baton_<database>_viewer;

create view baton_board.item_tries (job text, item_id uuid, started_at timestamp with time zone, ended_at timestamp with time zone, worker text, outcome text, error text);
-- Every try at every item: by which worker, when, and what came of it.
grant select on table baton_board.item_tries to baton_<database>_viewer;

create view baton_board.items (id uuid, job text, key text, data jsonb, status text, attempts integer, max_attempts integer, priority smallint, run_at timestamp with time zone, created_at timestamp with time zone, started_at timestamp with time zone, ended_at timestamp with time zone, worker text, error text);
-- Items of jobs: ready, delayed, processing, completed, failed or cancelled.
grant select on table baton_board.items to baton_<database>_viewer;

create view baton_board.job_overview (job text, mode text, state text, reason text, until timestamp with time zone, batch_size integer, rate_per_minute integer, cron text, next_slot timestamp with time zone, last_run text, last_reason text, last_run_at timestamp with time zone);
-- Every job: whether it can run now, and if not, why.
grant select on table baton_board.job_overview to baton_<database>_viewer;

create view baton_board.message_log (id uuid, job text, purpose text, subject_id text, recipient_id text, channel text, recipient text, address text, status text, reason text, detail text, held_until timestamp with time zone, provider text, provider_id text, attempts integer, subject text, body text, created_at timestamp with time zone, submitting_at timestamp with time zone, submitted_at timestamp with time zone, ended_at timestamp with time zone);
-- Every message: where it stands, and until when and why it is held back.
grant select on table baton_board.message_log to baton_<database>_viewer;

create view baton_board.message_overview (job text, channel text, status text, reason text, messages bigint, oldest timestamp with time zone);
-- How many messages stand where, and why.
grant select on table baton_board.message_overview to baton_<database>_viewer;

create view baton_board.queue_overview (job text, ready bigint, delayed bigint, processing bigint, failed bigint, completed numeric, per_minute numeric, eta timestamp with time zone);
-- How much each job with items has to do, how fast it goes, and when it is done.
grant select on table baton_board.queue_overview to baton_<database>_viewer;

create view baton_board.queue_trend (job text, sampled_at timestamp with time zone, due_items bigint, change bigint);
-- How much was due, sampled once an hour.
grant select on table baton_board.queue_trend to baton_<database>_viewer;

create view baton_board.refused_callbacks (route text, refused bigint, first_at timestamp with time zone, last_at timestamp with time zone);
-- Callbacks of the provider of text messages that were refused within a day, since the last one that was right.
grant select on table baton_board.refused_callbacks to baton_<database>_viewer;

create view baton_board.run_log (id bigint, job text, status text, reason text, counts jsonb, trigger text, worker text, started_at timestamp with time zone, finished_at timestamp with time zone, seconds numeric);
-- The execution log: every invocation, what it did or why it did nothing.
grant select on table baton_board.run_log to baton_<database>_viewer;

create view baton_board.set_aside_items (job text, item_id text, sqlstate text, message text, tries integer, since timestamp with time zone, retry_at timestamp with time zone);
-- Items whose work raised an error: which, since when, and when they are tried again.
grant select on table baton_board.set_aside_items to baton_<database>_viewer;

create view baton_board.stale_contacts (id bigint, email text, email_validation_status text, external_heartbeat_checked_at timestamp with time zone);
-- Contacts never validated, or not for one and a half times revalidate_after.
grant select on table baton_board.stale_contacts to baton_<database>_viewer;

create view baton_board.sync_overview (source text, kind text, url text, sync_job_id text, sync_kind text, overall_status text, total_chunks bigint, pending_chunks bigint, processing_chunks bigint, completed_chunks bigint, failed_chunks bigint, synced_items bigint, progress_percentage numeric, eta timestamp with time zone, blocked_until timestamp with time zone, blocked_reason text, started_at timestamp with time zone, completed_at timestamp with time zone, error_message text, is_refused boolean, last_synced_at timestamp with time zone);
-- Every source with its latest sync job.
grant select on table baton_board.sync_overview to baton_<database>_viewer;

create view baton_board.tick_log (id bigint, started_at timestamp with time zone, finished_at timestamp with time zone, seconds double precision, status text, calls integer, worker text, unreachable jsonb);
-- Every tick: when, how long, how many calls, and which jobs it could not reach.
grant select on table baton_board.tick_log to baton_<database>_viewer;

create view baton_board.validation_durations_by_day (day timestamp with time zone, cycles bigint, validated numeric, avg_minutes numeric, max_minutes numeric);
-- Average and maximum duration of completed validation cycles, by day.
grant select on table baton_board.validation_durations_by_day to baton_<database>_viewer;

create view baton_board.validation_idle_time (id uuid, completed_at timestamp with time zone, next_start timestamp with time zone, idle_hours numeric);
-- How long nothing ran between one validation cycle and the next.
grant select on table baton_board.validation_idle_time to baton_<database>_viewer;

create view baton_board.validation_progress (id uuid, started_at timestamp with time zone, total_contacts bigint, validated_count bigint, iteration integer, elapsed_seconds numeric, pct_complete numeric, per_minute numeric, eta timestamp with time zone);
-- Progress and expected end of the running validation cycle.
grant select on table baton_board.validation_progress to baton_<database>_viewer;

create view baton_board.validation_sessions (id uuid, started_at timestamp with time zone, completed_at timestamp with time zone, status text, total_contacts bigint, validated_count bigint, iteration integer, error_message text, config jsonb);
-- The validation cycles; set a running one to failed to stop it.
grant select on table baton_board.validation_sessions to baton_<database>_viewer;

CREATE TRIGGER t50_note_contact AFTER INSERT ON public.activities REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION baton.note_contact();

CREATE TRIGGER t51_note_changed_contact AFTER UPDATE ON public.activities REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION baton.note_contact();

CREATE TRIGGER t60_look_at_held_messages AFTER UPDATE OF peer_mentor_phone, peer_mentor_email, timezone ON public.assignments FOR EACH ROW WHEN (((old.peer_mentor_phone IS DISTINCT FROM new.peer_mentor_phone) OR (old.peer_mentor_email IS DISTINCT FROM new.peer_mentor_email) OR (old.timezone IS DISTINCT FROM new.timezone))) EXECUTE FUNCTION baton.look_at_held_messages('assignment');

CREATE TRIGGER on_auto_sync_created AFTER INSERT ON public.auto_syncs FOR EACH ROW WHEN ((new.status = 'running'::text)) EXECUTE FUNCTION baton.schedule_first_reminder();

CREATE TRIGGER t60_look_at_held_messages AFTER UPDATE OF timezone ON public.auto_syncs FOR EACH ROW WHEN ((old.timezone IS DISTINCT FROM new.timezone)) EXECUTE FUNCTION baton.look_at_held_messages('auto_sync');

CREATE TRIGGER t10_forget_verdict BEFORE UPDATE OF email ON public.contacts FOR EACH ROW WHEN (((old.email IS DISTINCT FROM new.email) AND (NOT (old.email_validation_status IS DISTINCT FROM new.email_validation_status)))) EXECUTE FUNCTION baton.forget_verdict();

CREATE TRIGGER t90_wake AFTER INSERT OR UPDATE OF email ON public.contacts FOR EACH STATEMENT WHEN (((date_part('epoch'::text, clock_timestamp()) * (1000)::double precision) > (pg_sequence_last_value('baton.woken_123456789'::regclass))::double precision)) EXECUTE FUNCTION baton.wake_job('validate-contacts');

CREATE TRIGGER t60_look_at_held_messages AFTER UPDATE OF phone, email, timezone ON public.crew_members FOR EACH ROW WHEN (((old.phone IS DISTINCT FROM new.phone) OR (old.email IS DISTINCT FROM new.email) OR (old.timezone IS DISTINCT FROM new.timezone))) EXECUTE FUNCTION baton.look_at_held_messages('member');

CREATE TRIGGER t90_wake AFTER INSERT ON public.job_queue REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION baton.wake_auto_sync_jobs();

CREATE TRIGGER t91_wake AFTER UPDATE ON public.job_queue REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN ((COALESCE(current_setting('baton.quiet'::text, true), ''::text) <> 'on'::text)) EXECUTE FUNCTION baton.wake_auto_sync_jobs();
