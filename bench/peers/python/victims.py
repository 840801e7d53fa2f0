"""The two tasks of Python's peers: a loop that never ends, stamping the time, and a trivial one."""
import mmap
import time

from stamp import LEASH, TIME, words

LEASH_NS = 60_000_000_000  # a worker outlives a program that was killed, but not by more than this


def touched(mebibytes):
    """Ordinary small pages, all in use: what the kernel has to give back."""
    if mebibytes == 0:
        return None
    memory = mmap.mmap(-1, mebibytes << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(0, len(memory), mmap.PAGESIZE):
        memory[page] = 1
    return memory


def spin(path, mebibytes):
    memory = touched(mebibytes)
    shared = words(path)
    end = time.monotonic_ns() + LEASH_NS
    while not shared[LEASH] and shared[TIME] < end:
        shared[TIME] = time.monotonic_ns()
    del memory


def successor(n):
    return n + 1
