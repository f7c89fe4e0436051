// Drains jobs that do nothing by each peer at each of its settings, and prints a JSON line for each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { peers } from './peers.mjs';

const unbatchedJobs = Number(process.argv[2]);
// So many times more, so that they take seconds too.
const BATCHED_TIMES = 5;
const server = process.env.DATABASE_URL;
const GIVEN_UP_AFTER_MS = 600_000;

function databaseUrl(name) {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function connect(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

// A process of a peer, which says `ready`, then how many jobs it has handled; `go` and `stop` are said to it.
class Process {
  handled = 0;

  constructor(peer, options, mode, database) {
    const args = [...peer.command.slice(1), mode, JSON.stringify(options)];
    this.child = spawn(peer.command[0], args, {
      cwd: import.meta.dirname,
      env: { ...process.env, NO_LOG_SUCCESS: '1', DATABASE_URL: database },
      stdio: [mode === 'work' ? 'pipe' : 'ignore', 'pipe', 'inherit'],
    });
    this.exited = once(this.child, 'exit').then(([code]) => {
      if (code !== 0 && !this.killed) throw new Error(`${peer.name}: a process ended with ${code}`);
    });
    // What waits for it hears of it; there may be nothing yet that does.
    this.exited.catch(() => {});
    this.ready = new Promise((resolve) => {
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        if (line === 'ready') resolve();
        else if (/^\d+$/.test(line)) this.handled = Number(line);
        else console.error(line);
      });
    });
  }

  say(word) {
    this.child.stdin.write(`${word}\n`);
  }

  kill() {
    this.killed = true;
    this.child.kill('SIGKILL');
  }
}

async function within(promise, milliseconds, what) {
  const late = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(milliseconds, undefined, { signal: late.signal }).then(() => {
        throw new Error(`${what} took more than ${milliseconds / 1000} s`);
      }),
    ]);
  } finally {
    late.abort();
  }
}

async function walPosition(client) {
  const { rows } = await client.query("select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes");
  return rows[0].bytes;
}

// Backends report what they did when they end, so the database must be quiet for this to be complete.
async function commits(client, name) {
  await waitUntil(async () => {
    const { rows } = await client.query(
      "select count(*)::int as n from pg_stat_activity where datname = $1 and backend_type <> 'autovacuum worker'",
      [name],
    );
    return rows[0].n === 0;
  }, `${name} to be left`);
  const { rows } = await client.query('select xact_commit::float8 as n from pg_stat_database where datname = $1', [name]);
  return rows[0].n;
}

async function waitUntil(done, what) {
  const start = performance.now();
  while (!(await done())) {
    if (performance.now() - start > GIVEN_UP_AFTER_MS) throw new Error(`waited in vain for ${what}`);
    await sleep(2);
  }
}

async function drain(maintenance, peer, version, setting, name) {
  const url = databaseUrl(name);
  const jobs = unbatchedJobs * (setting.times ?? (setting.batched ? BATCHED_TIMES : 1));
  const options = { ...setting.options, jobs };
  const preparing = new Process(peer, options, 'prepare', url);
  await within(preparing.exited, GIVEN_UP_AFTER_MS, `filling the queue of ${peer.name}`);

  const observer = await connect(url);
  const { rows } = await observer.query('show synchronous_commit');
  if (rows[0].synchronous_commit !== 'on') throw new Error('synchronous_commit is not on');
  await observer.query('vacuum analyze');
  await observer.query('checkpoint');
  await observer.end();
  const commitsBefore = await commits(maintenance, name);

  const processes = Array.from({ length: setting.processes ?? 1 }, () => new Process(peer, options, 'work', url));
  const anyEnds = Promise.race(processes.map((it) => it.exited)).then(() => {
    throw new Error(`${peer.name}: a process ended before its time`);
  });
  anyEnds.catch(() => {});
  const watcher = await connect(url);
  try {
    await within(Promise.race([Promise.all(processes.map((it) => it.ready)), anyEnds]), 60_000, `starting ${peer.name}`);
    const walBefore = await walPosition(maintenance);
    const start = performance.now();
    for (const it of processes) it.say('go');
    let looks = 0;
    const drained = async () => {
      // Before all are handled nothing is asked of the server, which would cost the peer time.
      if (processes.reduce((sum, it) => sum + it.handled, 0) < jobs) return false;
      looks += 1;
      return (await watcher.query(peer.isDrained)).rows[0].drained;
    };
    await Promise.race([waitUntil(drained, `${peer.name} to drain`), anyEnds]);
    const seconds = (performance.now() - start) / 1000;
    const wal = (await walPosition(maintenance)) - walBefore;
    await watcher.end();
    for (const it of processes) it.say('stop');
    await within(Promise.all(processes.map((it) => it.exited)), 60_000, `stopping ${peer.name}`);
    const committed = (await commits(maintenance, name)) - commitsBefore - looks;
    return {
      peer: peer.name,
      version,
      setting: setting.name,
      batched: setting.batched,
      jobs,
      seconds: round(seconds, 3),
      per_second: round(jobs / seconds, 1),
      wal_bytes_per_job: round(wal / jobs, 1),
      commits_per_job: round(committed / jobs, 4),
    };
  } finally {
    for (const it of processes) it.kill();
    await watcher.end().catch(() => {});
  }
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}

// Drops what a run that was killed has left behind.
async function sweep(client) {
  const { rows } = await client.query(
    `select datname from pg_database d
     where starts_with(datname, 'baton_peer_') and pg_has_role(datdba, 'usage')
       and not exists (select from pg_stat_activity a where a.datname = d.datname)`,
  );
  for (const { datname } of rows) await client.query(`drop database if exists ${datname}`);
}

const maintenance = await connect(server);
await sweep(maintenance);
for (const peer of peers) {
  let version;
  try {
    version = peer.version();
  } catch (error) {
    console.error(`peers: ${peer.name} is not measured: ${error.message}`);
    continue;
  }
  for (const [number, setting] of peer.settings.entries()) {
    const name = `baton_peer_${process.pid}_${peer.name.replaceAll('-', '_')}_${number}`;
    await maintenance.query(`create database ${name} template template0`);
    try {
      console.log(JSON.stringify(await drain(maintenance, peer, version, setting, name)));
    } finally {
      await maintenance.query(`drop database if exists ${name} with (force)`);
    }
  }
}
await maintenance.end();
