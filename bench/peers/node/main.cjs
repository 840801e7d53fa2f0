// Measures one of Node's peers and prints the round: node main.cjs PEER SAMPLES SECONDS, with the packages in NODE_PATH.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const stamps = require('./stamp.cjs');
const pools = require('./pools.cjs');

const { now } = stamps;
const us = (nanoseconds) => Number(nanoseconds) / 1e3;
const WARM_UP = 20;

/** The next task's result; one that the pool gives to the worker which it is about to stop is submitted again. */
async function next_task(pool) {
  for (let rejected = 0; ; ++rejected) {
    const result = await pool.trivial(41).catch(() => undefined);
    if (result === 42) return rejected;
    if (rejected === 100) throw new Error('the pool rejects every task after a stop');
  }
}

/** One stop: its events in microseconds from the request, or undefined when the victim did not run at the request. */
async function one_stop(pool, stamp) {
  stamp.clear();
  const victim = pool.start(stamp.handle);
  await stamps.running(stamp);
  const requested = now();
  victim.stop();
  await victim.ended;
  const resumed = now();
  const rejected = await next_task(pool);
  const next = now();
  const last = await stamps.last(stamp);
  if (last === undefined) return { still_running: true };
  if (last < requested) return undefined;
  const taken = { caller_resumed: resumed, last_instruction: last, next_task: next };
  return { events: Object.entries(taken).map(([event, at]) => [event, us(at - requested)]), rejected };
}

async function stops_of(pool, stamp, samples, deadline) {
  const events = { caller_resumed: [], last_instruction: [], next_task: [] };
  const notes = [];
  let rejected = 0;
  while (events.next_task.length < samples && now() < deadline) {
    const stop = await one_stop(pool, stamp);
    if (stop?.still_running) {
      notes.push('a victim still ran 1 s after the request');
      break;
    }
    for (const [event, microseconds] of stop?.events ?? []) events[event].push(microseconds);
    if (stop?.rejected) ++rejected;
  }
  if (rejected) notes.push(`after ${rejected} of ${events.next_task.length} stops the pool rejected the next task at first`);
  return { events, notes };
}

async function round_trips_of(pool, samples) {
  const taken = [];
  for (let i = 0; i < WARM_UP + samples; ++i) {
    const began = now();
    if ((await pool.trivial(i)) !== i + 1) throw new Error('a trivial task has a wrong result');
    if (i >= WARM_UP) taken.push(us(now() - began));
  }
  return taken;
}

/** The version of an installed package, also of one that does not export its package.json. */
function version_of(name) {
  for (let at = path.dirname(require.resolve(name)); at !== path.dirname(at); at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (fs.existsSync(file) && JSON.parse(fs.readFileSync(file)).name === name) {
      return JSON.parse(fs.readFileSync(file)).version;
    }
  }
  return 'unknown';
}

async function main([name, samples, seconds]) {
  const peer = pools[name];
  if (!peer || !(samples > 0) || !(seconds > 0)) {
    const got = [name, samples, seconds].join(' ');
    console.error(`main.cjs got '${got}'; allowed: SAMPLES and SECONDS above 0 after one of ${Object.keys(pools).join(' ')}`);
    process.exit(2);
  }
  const began = new Date().toISOString().replace(/\.\d+/, '');
  const deadline = now() + BigInt(seconds) * 1_000_000_000n;
  const pool = await peer.open();
  const stamp = peer.processes ? stamps.in_file() : stamps.in_memory();
  const round_trip = await round_trips_of(pool, samples * 5);
  const { events, notes } = await stops_of(pool, stamp, +samples, deadline);
  stamp.close();

  const version = `${peer.package ? `${peer.package} ${version_of(peer.package)}, ` : ''}Node ${process.versions.node}`;
  const series = Object.entries({ ...events, round_trip })
    .filter(([, taken]) => taken.length)
    .map(([event, taken]) => ({
      name: `peer/${name}/${event}`,
      unit: 'us',
      tags: { subject: 'peer', peer: peer.title, event, stops: peer.stops, memory_mib: '0', version },
      samples: taken,
    }));
  const what = [...(peer.note ? [peer.note] : []), ...notes];
  const round = {
    format: 'workit-bench/1',
    machine: { began },
    series,
    notes: what.map((text) => ({ name: `peer/${name}`, what: text })),
    skipped: [],
  };
  process.stdout.write(`${JSON.stringify(round)}\n`);
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
