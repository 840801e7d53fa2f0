// The stamp: one 64-bit word in shared memory in which a victim leaves the time; the observer trusts no other source.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const STILL_FOR_MS = 50; // longer than a time slice of a victim that only waits for its processor
const GIVE_UP_AFTER_MS = 1000;
const LOOKS = 10;
const LOOK_NS = 5_000_000n;
const GLANCE_NS = 20_000n; // shorter than two switches of context

const now = () => process.hrtime.bigint(); // CLOCK_MONOTONIC, in nanoseconds
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A word for victims that are threads of this process. */
function in_memory() {
  const buffer = new SharedArrayBuffer(8);
  const word = new BigInt64Array(buffer);
  return { handle: { buffer }, read: () => Atomics.load(word, 0), clear: () => Atomics.store(word, 0, 0n), close() {} };
}

/** A word for victims in other processes: Node cannot map memory, so it is eight bytes of a file in a tmpfs. */
function in_file() {
  const folder = fs.mkdtempSync(path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'workit-peers-'));
  const file = path.join(folder, 'stamp');
  fs.writeFileSync(file, new Uint8Array(8));
  const fd = fs.openSync(file, 'r+');
  const word = new BigInt64Array(1);
  return {
    handle: { file },
    read: () => (fs.readSync(fd, word, 0, 8, 0), word[0]),
    clear: () => fs.writeSync(fd, new Uint8Array(8), 0, 8, 0),
    close: () => fs.rmSync(folder, { recursive: true }),
  };
}

/**
 * Resolves at a moment when the victim has been at it for 5 ms and is on a processor: it stamped while this thread was
 * looking, without a pause in which the two could have taken turns. Looks for 5 ms without sleeping, for two threads
 * that share a processor are moved apart only when both want it; on a busy machine it gives up after ten such looks.
 */
async function running(stamp) {
  while (stamp.read() === 0n) await sleep(1);
  await sleep(5);
  for (let look = 0; look < LOOKS; ++look) {
    const end = now() + LOOK_NS;
    while (now() < end) {
      const began = now();
      while (stamp.read() < began && now() - began < GLANCE_NS);
      if (stamp.read() >= began && now() - began < GLANCE_NS) return;
    }
    await sleep(1);
  }
}

/** The last stamp, once it has stood still for a while; undefined when the victim still runs a second later. */
async function last(stamp) {
  const give_up = now() + BigInt(GIVE_UP_AFTER_MS) * 1_000_000n;
  while (now() < give_up) {
    const before = stamp.read();
    await sleep(STILL_FOR_MS);
    if (stamp.read() === before) return before;
  }
  return undefined;
}

module.exports = { now, in_memory, in_file, running, last };
