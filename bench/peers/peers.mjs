// The peers, with the settings that their own documents publish or recommend.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate, python } from './python.mjs';

// The version of a library that is installed from npm.
function npm(name) {
  const path = join(import.meta.dirname, 'node_modules', name, 'package.json');
  if (!existsSync(path)) throw new Error(`${name} could not be installed from npm`);
  return JSON.parse(readFileSync(path, 'utf8')).version;
}

// The version of a library that is installed from PyPI.
function pypi(name) {
  const lines = readFileSync(join(import.meta.dirname, 'venv/.installed'), 'utf8').split('\n');
  const line = lines.find((it) => it.startsWith(`${name}==`));
  if (!line) throw new Error(`${name} could not be installed from PyPI`);
  return line.slice(name.length + 2);
}

// From "Performance" in the documents of graphile-worker. Its own test runs four such processes, which are more connections
// than a PostgreSQL with default settings takes.
const batching = { localQueueSize: 500, refetchDelayMs: 10, completeBatchDelayMs: 0 };

export const peers = [
  {
    name: 'graphile-worker',
    version: () => npm('graphile-worker'),
    command: [process.execPath, 'graphile-worker.mjs'],
    isDrained: 'select not exists (select from graphile_worker._private_jobs) as drained',
    settings: [
      { name: 'unbatched, 24 concurrent jobs', batched: false, options: {} },
      { name: 'unbatched, 2 processes of 24 concurrent jobs', batched: false, processes: 2, options: {} },
      { name: 'local queue 500, batched completion, 24 concurrent jobs', batched: true, options: batching },
      { name: 'local queue 500, batched completion, 2 processes of 24', batched: true, processes: 2, options: batching },
    ],
  },
  {
    name: 'pg-boss',
    version: () => npm('pg-boss'),
    command: [process.execPath, 'pg-boss.mjs'],
    isDrained: "select not exists (select from pgboss.job where name = 'noop' and state < 'completed') as drained",
    settings: [
      { name: 'batchSize 1, 8 workers', batched: false, options: { batchSize: 1, workers: 8 } },
      { name: 'batchSize 100, 1 worker', batched: true, options: { batchSize: 100, workers: 1 } },
      { name: 'batchSize 100, 4 workers', batched: true, options: { batchSize: 100, workers: 4 } },
    ],
  },
  {
    name: 'awa',
    version: () => pypi('awa-pg'),
    command: [python, 'awa_worker.py'],
    // A pruned segment takes its completions with it, in one transaction, so only the difference is steady.
    isDrained: `select (select count(*) from awa.ready_entries)
                     <= (select coalesce(sum(completed_count), 0) from awa.receipt_completion_batches)
                        + (select count(*) from awa.done_entries) as drained`,
    settings: [
      { name: 'defaults: 50 workers, claims of 512', batched: true, options: { workers: 50, partitions: 1 } },
      { name: '256 workers, claims of 512', batched: true, options: { workers: 256, partitions: 1 } },
      { name: 'partitioned queue: 4 of 64 workers, claims of 512', batched: true, options: { workers: 64, partitions: 4 } },
    ],
  },
  {
    name: 'procrastinate',
    // Without the binary of psycopg it would run, but slower.
    version: () => pypi('psycopg[binary,pool]') && pypi('procrastinate'),
    command: [python, 'procrastinate_worker.py'],
    isDrained: "select not exists (select from procrastinate_jobs where status in ('todo', 'doing')) as drained",
    settings: [
      { name: 'unbatched, 30 concurrent jobs', batched: false, options: {} },
      { name: 'unbatched, 2 processes of 30 concurrent jobs', batched: false, processes: 2, options: {} },
    ],
  },
  {
    name: 'absurd',
    version: () => `${npm('absurd-sdk')} on schema ${pypi('absurdctl')}`,
    command: [process.execPath, 'absurd.mjs'],
    isDrained: "select not exists (select from absurd.t_noop where state in ('pending', 'running')) as drained",
    // Its documents show batches of 4 for 4 concurrent tasks as an example. More drain faster, unless taken one by one.
    settings: [
      { name: 'batchSize 1, 4 concurrent tasks', batched: false, options: { batchSize: 1, concurrency: 4 } },
      // It completes one by one, and takes seconds as it is.
      { name: 'batchSize 24, 24 concurrent tasks', batched: true, times: 1, options: { batchSize: 24, concurrency: 24 } },
    ],
  },
  {
    name: 'pgmq',
    version: () => pypi('pgmq') && evaluate('pgmq', 'get_embedded_sql_version()'),
    command: [process.execPath, 'pgmq.mjs'],
    isDrained: 'select not exists (select from pgmq.q_noop) as drained',
    settings: [
      { name: 'qty 1, 8 connections', batched: false, options: { batchSize: 1, workers: 8 } },
      { name: 'qty 100, 1 connection', batched: true, options: { batchSize: 100, workers: 1 } },
      { name: 'qty 100, 4 connections', batched: true, options: { batchSize: 100, workers: 4 } },
    ],
  },
];
