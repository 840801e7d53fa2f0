// The two tasks of Node's pools: a loop that never ends, stamping the time, and a trivial one.
'use strict';
const fs = require('node:fs');

const LEASH_NS = 30_000_000_000n; // a worker process outlives a program that was killed, but not by more than this

function spin({ buffer, file }) {
  if (buffer) {
    const word = new BigInt64Array(buffer);
    for (;;) Atomics.store(word, 0, process.hrtime.bigint());
  }
  const fd = fs.openSync(file, 'r+');
  const word = new BigInt64Array(1);
  const leash = process.hrtime.bigint() + LEASH_NS;
  while (word[0] < leash) {
    word[0] = process.hrtime.bigint();
    fs.writeSync(fd, word, 0, 8, 0);
  }
}

const successor = (n) => n + 1;

/** Piscina and tinypool call what a file exports: `victim` says which task is meant. */
module.exports = ({ victim, n }) => (victim ? spin(victim) : successor(n));
module.exports.spin = spin;
module.exports.successor = successor;
