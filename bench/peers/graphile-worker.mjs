import { makeWorkerUtils, runTaskList } from 'graphile-worker';
import { databaseUrl, end, handle, mode, openPool, options, start } from './worker.mjs';

const CONCURRENT_JOBS = 24;

if (mode === 'prepare') {
  const utils = await makeWorkerUtils({ connectionString: databaseUrl });
  await utils.migrate();
  for (let left = options.jobs; left > 0; left -= 10_000) {
    await utils.withPgClient((client) =>
      client.query(
        `select 1 from graphile_worker.add_jobs(array(
           select json_populate_record(null::graphile_worker.job_spec, json_build_object('identifier', 'noop', 'payload', json_build_object('id', n)))
           from generate_series(1, $1::int) n))`,
        [Math.min(left, 10_000)],
      ),
    );
  }
  await utils.release();
} else {
  const pool = await openPool(CONCURRENT_JOBS + 1);
  const batching = options.localQueueSize
    ? {
        localQueue: { size: options.localQueueSize, refetchDelay: { durationMs: options.refetchDelayMs } },
        completeJobBatchDelay: options.completeBatchDelayMs,
        failJobBatchDelay: options.completeBatchDelayMs,
      }
    : {};
  const preset = { worker: { concurrentJobs: CONCURRENT_JOBS, maxPoolSize: CONCURRENT_JOBS + 1, ...batching } };
  await start();
  const workers = runTaskList({ preset, noHandleSignals: true }, { noop: () => handle(1) }, pool);
  await end();
  await workers.gracefulShutdown();
  await pool.end();
}
