// The peers in Node, each opened as {start(handle) -> {stop(), ended}, trivial(n), close()}.
'use strict';
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const beside = (file) => path.join(__dirname, file);
const settled = (promise) => promise.then(() => {}, () => {});

/** Piscina and tinypool, which have one interface: a task ends early by its AbortSignal. */
function abortable(pool) {
  return {
    start(handle) {
      const controller = new AbortController();
      const ended = settled(pool.run({ victim: handle }, { signal: controller.signal }));
      return { stop: () => controller.abort(), ended };
    },
    trivial: (n) => pool.run({ n }),
    close: () => pool.destroy(),
  };
}

function piscina() {
  const { Piscina } = require('piscina');
  return abortable(new Piscina({ filename: beside('victim.cjs'), minThreads: 1, maxThreads: 1 }));
}

async function tinypool() {
  // An ES module only, and `import` by name does not look into NODE_PATH.
  const { Tinypool } = await import(pathToFileURL(require.resolve('tinypool')));
  return abortable(new Tinypool({ filename: beside('victim.cjs'), minThreads: 1, maxThreads: 1 }));
}

/** `type` is thread or process. Before it stops a worker, it grants it a second to clean up: here, the least it can. */
function workerpool(type) {
  const pool = require('workerpool').pool(beside('workerpool_worker.cjs'), {
    minWorkers: 1,
    maxWorkers: 1,
    workerType: type,
    workerTerminateTimeout: 1,
  });
  return {
    start(handle) {
      const call = pool.exec('spin', [handle]);
      return { stop: () => call.cancel(), ended: settled(call) };
    },
    trivial: (n) => pool.exec('successor', [n]),
    close: () => pool.terminate(true),
  };
}

/** No pool: one worker, and after it was terminated a new one. */
function worker_terminate() {
  const { Worker } = require('node:worker_threads');
  let worker;
  const living = () => (worker ??= new Worker(beside('plain_worker.cjs')));
  const terminate = async () => {
    const old = worker;
    worker = undefined;
    await old?.terminate();
  };
  return {
    start(handle) {
      living().postMessage({ victim: handle });
      let resolve;
      const ended = new Promise((r) => (resolve = r));
      return { stop: () => terminate().then(resolve), ended };
    },
    trivial(n) {
      const answer = new Promise((resolve) => living().once('message', resolve));
      worker.postMessage({ n });
      return answer;
    },
    close: terminate,
  };
}

const grace = 'with workerTerminateTimeout at 1 ms; its default waits 1000 ms before it stops a worker';

module.exports = {
  piscina: { title: 'Piscina', stops: 'javascript', package: 'piscina', open: piscina },
  tinypool: { title: 'tinypool', stops: 'javascript', package: 'tinypool', open: tinypool },
  workerpool_thread: {
    title: 'workerpool (thread)',
    stops: 'javascript',
    package: 'workerpool',
    note: grace,
    open: () => workerpool('thread'),
  },
  workerpool_process: {
    title: 'workerpool (process)',
    stops: 'native',
    package: 'workerpool',
    note: grace,
    processes: true,
    open: () => workerpool('process'),
  },
  worker_terminate: { title: 'Worker.terminate()', stops: 'javascript', open: worker_terminate },
};
