import PgBoss from 'pg-boss';
import { databaseUrl, end, handle, mode, openPool, options, start } from './worker.mjs';

const QUEUE = 'noop';

if (mode === 'prepare') {
  const boss = new PgBoss({ connectionString: databaseUrl, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue(QUEUE);
  for (let left = options.jobs; left > 0; left -= 10_000) {
    const slice = Array.from({ length: Math.min(left, 10_000) }, (_, id) => ({ data: { id } }));
    await boss.insert(QUEUE, slice);
  }
  await boss.stop({ graceful: true });
} else {
  const pool = await openPool(options.workers + 2);
  const boss = new PgBoss({ db: { executeSql: (text, values) => pool.query(text, values) }, migrate: false, schedule: false });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await start();
  for (let n = 0; n < options.workers; n += 1) {
    let id;
    id = await boss.work(QUEUE, { batchSize: options.batchSize, pollingIntervalSeconds: 0.5 }, async (jobs) => {
      handle(jobs.length);
      // Without this a worker waits for half a second between batches.
      boss.notifyWorker(id);
    });
  }
  await end();
  await boss.stop({ graceful: false });
  await pool.end();
}
