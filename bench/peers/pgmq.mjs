import { setTimeout as sleep } from 'node:timers/promises';
import { evaluate } from './python.mjs';
import { end, handle, mode, openPool, options, start } from './worker.mjs';

const QUEUE = 'noop';
const VISIBILITY_TIMEOUT_S = 30;

if (mode === 'prepare') {
  const pool = await openPool(1);
  await pool.query(evaluate('pgmq', 'get_embedded_install_sql()'));
  await pool.query('select pgmq.create($1)', [QUEUE]);
  for (let left = options.jobs; left > 0; left -= 10_000) {
    await pool.query(
      `select count(*) from pgmq.send_batch($1, array(select jsonb_build_object('id', n) from generate_series(1, $2::int) n))`,
      [QUEUE, Math.min(left, 10_000)],
    );
  }
  await pool.end();
} else {
  const pool = await openPool(options.workers);
  let stopped = false;
  // It has no worker of its own. This is the loop of its documents: read, handle, delete.
  const work = async () => {
    while (!stopped) {
      // Statements have names, so that each connection has them parsed once.
      const { rows } = await pool.query({
        name: 'read',
        text: 'select * from pgmq.read($1, $2, $3)',
        values: [QUEUE, VISIBILITY_TIMEOUT_S, options.batchSize],
      });
      if (rows.length === 0) {
        await sleep(10);
        continue;
      }
      handle(rows.length);
      await pool.query({
        name: 'delete',
        text: 'select pgmq.delete($1, $2::bigint[])',
        values: [QUEUE, rows.map((it) => it.msg_id)],
      });
    }
  };
  await start();
  const workers = Array.from({ length: options.workers }, work);
  await end();
  stopped = true;
  await Promise.all(workers);
  await pool.end();
}
