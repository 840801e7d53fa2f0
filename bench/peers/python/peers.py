"""The peers in Python: start(path, mebibytes) a victim, stop() it, and run a trivial(n) task in the same pool.

stop() returns the time at which the caller, which waits for the victim's result, goes on.
"""
import asyncio
import concurrent.futures
import multiprocessing
import sys
import threading

from stamp import now
from victims import spin, successor


class Anyio:
    title, stops, memory = "anyio.to_process", "native", (0,)

    def __init__(self):
        import anyio.to_process

        self._anyio = anyio

    async def _call(self, *victim):
        with self._anyio.CancelScope() as self._scope:
            await self._anyio.to_process.run_sync(spin, *victim, cancellable=True)
        return now()

    async def start(self, *victim):
        self._caller = asyncio.create_task(self._call(*victim))

    async def stop(self):
        self._scope.cancel()
        return await self._caller

    async def trivial(self, n):
        return await self._anyio.to_process.run_sync(successor, n)

    def close(self):
        pass


class Pebble:
    title, stops, memory = "pebble.ProcessPool", "native", (0, 64, 1024)

    def __init__(self):
        import pebble

        self._pool = pebble.ProcessPool(max_workers=1)

    def _call(self):
        try:
            self._future.result()
        except concurrent.futures.CancelledError:
            self._resumed = now()

    async def start(self, *victim):
        self._future = self._pool.schedule(spin, args=victim)
        self._caller = threading.Thread(target=self._call)
        self._caller.start()

    async def stop(self):
        self._future.cancel()
        self._caller.join()
        return self._resumed

    async def trivial(self, n):
        return self._pool.schedule(successor, args=(n,)).result()

    def close(self):
        self._pool.stop()
        self._pool.join()


class Multiprocessing:
    """No pool: each task is a process, whose exit status is the result of a trivial one."""

    title, stops, memory = "multiprocessing, kill and join", "native", (0, 64, 1024)

    async def start(self, *victim):
        self._process = multiprocessing.Process(target=spin, args=victim)
        self._process.start()

    async def stop(self):
        self._process.kill()
        self._process.join()
        return now()

    async def trivial(self, n):
        task = multiprocessing.Process(target=lambda: sys.exit(successor(n)))
        task.start()
        task.join()
        return task.exitcode

    def close(self):
        pass


class ProcessPoolExecutor:
    """What asyncio's timeouts do to a function in an executor: its caller goes on, the function too."""

    title, stops, memory = "ProcessPoolExecutor, cancelled", "nothing", (0,)

    def __init__(self):
        self._pool = concurrent.futures.ProcessPoolExecutor(max_workers=1)

    def _run(self, task, *arguments):
        return asyncio.get_running_loop().run_in_executor(self._pool, task, *arguments)

    async def _call(self, *victim):
        try:
            await self._run(spin, *victim)
        except asyncio.CancelledError:
            return now()

    async def start(self, *victim):
        self._caller = asyncio.create_task(self._call(*victim))

    async def stop(self):
        self._caller.cancel()
        return await self._caller

    async def trivial(self, n):
        return await self._run(successor, n)

    def close(self):
        self._pool.shutdown()


PEERS = {
    "anyio": Anyio,
    "pebble": Pebble,
    "multiprocessing": Multiprocessing,
    "process_pool_executor": ProcessPoolExecutor,
}
