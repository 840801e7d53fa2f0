"""The stamp: a word in shared memory in which a victim leaves the time, for an observer that trusts no other source."""
import asyncio
import mmap
import os
import tempfile
import time

LOOKS, LOOK_NS = 10, 5_000_000
GLANCE_NS = 50_000  # shorter than two switches of context and a turn of either loop
STILL_FOR_S = 0.05  # longer than a victim waits for its processor
GIVE_UP_AFTER_S = 1
TIME, LEASH = 0, 1  # the words: the victim's time; whether this program has had enough of it

now = time.monotonic_ns  # CLOCK_MONOTONIC


def words(path):
    """The stamp's words in the file `path`, shared with every process that maps it."""
    with open(path, "r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), mmap.PAGESIZE)).cast("q")


class Stamp:
    """The observer's side; `path` is for the victim."""

    def __init__(self):
        folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
        fd, self.path = tempfile.mkstemp(prefix="workit-peers-", dir=folder)
        os.ftruncate(fd, mmap.PAGESIZE)
        os.close(fd)
        self._words = words(self.path)

    def close(self):
        os.unlink(self.path)

    def clear(self):
        self._words[TIME] = self._words[LEASH] = 0

    def end_victim(self):
        """What no user of a peer has: makes the victim return."""
        self._words[LEASH] = 1

    async def running(self):
        """Returns at a moment when the victim has been at it for 5 ms and is on a processor: it stamped while this
        thread was looking, without a pause in which the two could have taken turns. Looks for 5 ms without
        sleeping, for two that share a processor are moved apart only when both want it; on a busy machine it gives up
        after ten such looks."""
        while self._words[TIME] == 0:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.005)
        for _ in range(LOOKS):
            end = now() + LOOK_NS
            while now() < end:
                began = now()
                while self._words[TIME] < began and now() - began < GLANCE_NS:
                    pass
                if self._words[TIME] >= began and now() - began < GLANCE_NS:
                    return
            await asyncio.sleep(0.001)

    async def last(self):
        """The last stamp, once it has stood still for a while; None when the victim still runs a second later."""
        give_up = now() + GIVE_UP_AFTER_S * 1_000_000_000
        while now() < give_up:
            before = self._words[TIME]
            await asyncio.sleep(STILL_FOR_S)
            if self._words[TIME] == before:
                return before
        return None
