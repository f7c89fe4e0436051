// How a process of a peer that runs on Node.js talks with the measurement.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import pg from 'pg';

export const [mode, options] = [process.argv[2], JSON.parse(process.argv[3])];
export const databaseUrl = process.env.DATABASE_URL;

const lines = createInterface({ input: process.stdin });
if (mode === 'work') lines.on('close', exit);
let handled = 0;
let told = 0;

// Counts jobs as handled, and tells so every other millisecond: oftener would cost the peer time.
export function handle(jobs) {
  handled += jobs;
}

// Says that this process is ready, and waits for the start.
export async function start() {
  process.stdout.write('ready\n');
  await once(lines, 'line');
  setInterval(() => {
    if (handled > told) process.stdout.write(`${(told = handled)}\n`);
  }, 2).unref();
}

// Waits for the end.
export async function end() {
  await once(lines, 'line');
  lines.off('close', exit);
  lines.close();
}

// There is no one left to stop it.
function exit() {
  process.exit(1);
}

// A pool whose connections are all open.
export async function openPool(max) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max });
  // The measurement cuts off what a peer leaves connected.
  pool.on('error', () => {});
  const clients = await Promise.all(Array.from({ length: max }, () => pool.connect()));
  for (const it of clients) it.release();
  return pool;
}
