// A plain worker thread: answers each trivial task by a message, and never returns from a victim.
'use strict';
const { parentPort } = require('node:worker_threads');
const task = require('./victim.cjs');

parentPort.on('message', (argument) => parentPort.postMessage(task(argument)));
