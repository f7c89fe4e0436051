// The peers, with the settings that their own documents publish or recommend.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';


function versionOf(name) {
  const path = join(import.meta.dirname, 'node_modules', name, 'package.json');
  return JSON.parse(readFileSync(path, 'utf8')).version;
}

function pinned(name) {
  const lines = readFileSync(join(import.meta.dirname, 'requirements.txt'), 'utf8').split('\n');
  return lines.find((it) => it.startsWith(`${name}==`)).slice(name.length + 2);
}

// From "Performance" in the documents of graphile-worker. Its own test runs four such processes, which are more connections
// than a PostgreSQL with default settings takes.
const batching = { localQueueSize: 500, refetchDelayMs: 10, completeBatchDelayMs: 0 };

export const peers = [
  {
    name: 'graphile-worker',
    version: versionOf('graphile-worker'),
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
    version: versionOf('pg-boss'),
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
    version: pinned('awa-pg'),
    command: ['venv/bin/python', 'awa_worker.py'],
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
];
