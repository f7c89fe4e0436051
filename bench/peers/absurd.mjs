import { Absurd } from 'absurd-sdk';
import { evaluate } from './python.mjs';
import { end, handle, mode, openPool, options, start } from './worker.mjs';

const QUEUE = 'noop';

const pool = await openPool(mode === 'prepare' ? 1 : options.concurrency + 1);
const app = new Absurd({ db: pool, queueName: QUEUE });
if (mode === 'prepare') {
  await pool.query(evaluate('absurdctl', 'BUNDLED_SCHEMA_SQL'));
  await app.createQueue(QUEUE);
  for (let left = options.jobs; left > 0; left -= 10_000) {
    await pool.query(
      `select count(*) from generate_series(1, $2::int) n, absurd.spawn_task($1, 'noop', jsonb_build_object('id', n))`,
      [QUEUE, Math.min(left, 10_000)],
    );
  }
} else {
  app.registerTask({ name: 'noop' }, async () => handle(1));
  await start();
  await app.startWorker({ concurrency: options.concurrency, batchSize: options.batchSize });
  await end();
  await app.close();
}
await pool.end();
