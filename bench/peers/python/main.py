"""Measures one of Python's peers and prints the round: main.py PEER SAMPLES SECONDS LARGEST_MIB."""
import asyncio
import datetime
import importlib.metadata
import json
import platform
import sys

from peers import PEERS
from stamp import Stamp, now

WARM_UP = 20
SAMPLES_OF_NOTHING = 5  # of a peer that stops nothing: each takes a second to show it


def us(nanoseconds):
    return nanoseconds / 1e3


async def run_trivial(peer, n):
    result = await peer.trivial(n)
    if result != n + 1:
        raise RuntimeError(f"a trivial task has the result {result} in the place of {n + 1}")


async def round_trips(peer, samples):
    taken = []
    for i in range(WARM_UP + samples):
        began = now()
        await run_trivial(peer, i % 100)
        if i >= WARM_UP:
            taken.append(us(now() - began))
    return {"round_trip": taken}


async def stops(peer, stamp, mebibytes, samples, seconds):
    """A stop whose victim did not run at the request says nothing and is not counted."""
    events = {"caller_resumed": [], "last_instruction": [], "next_task": []}
    deadline = now() + seconds * 1_000_000_000
    while len(events["next_task"]) < samples and now() < deadline:
        stamp.clear()
        await peer.start(stamp.path, mebibytes)
        await stamp.running()
        requested = now()
        resumed = await peer.stop()
        await run_trivial(peer, 41)
        then = now()
        last = await stamp.last()
        if last is None:
            raise RuntimeError("a victim still ran 1 s after the request")
        if last >= requested:
            for event, at in zip(events, (resumed, last, then)):
                events[event].append(us(at - requested))
    return events


async def stops_of_nothing(peer, stamp, samples):
    """Only the caller's events are numbers; the rest is counted: (events, what to note)."""
    resumed, still_running, no_next = [], 0, 0
    for _ in range(samples):
        stamp.clear()
        await peer.start(stamp.path, 0)
        await stamp.running()
        requested = now()
        resumed.append(us(await peer.stop() - requested))
        task = asyncio.create_task(run_trivial(peer, 41))
        still_running += await stamp.last() is None
        no_next += not task.done()
        stamp.end_victim()
        await task
    note = f"still running 1 s after the request in {still_running} of {samples} stops; the next task had no result by then in {no_next}"
    return {"caller_resumed": resumed}, note


def version_of(name):
    python = f"Python {platform.python_version()}"
    return f"{name} {importlib.metadata.version(name)}, {python}" if name in ("anyio", "pebble") else python


def series(name, peer, mebibytes, events):
    path = f"peer/{name}/" + (f"{mebibytes}MiB/" if mebibytes else "")
    tags = {"subject": "peer", "peer": peer.title, "stops": peer.stops, "memory_mib": str(mebibytes), "version": version_of(name)}
    return [
        {"name": path + event, "unit": "us", "tags": {**tags, "event": event}, "samples": taken}
        for event, taken in events.items()
        if taken
    ]


async def measure(name, samples, seconds, largest_mib):
    began = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    peer, stamp = PEERS[name](), Stamp()
    notes = []
    try:
        taken = series(name, peer, 0, await round_trips(peer, 5 * samples))
        if peer.stops == "nothing":
            events, note = await stops_of_nothing(peer, stamp, min(samples, SAMPLES_OF_NOTHING))
            taken += series(name, peer, 0, events)
            notes.append({"name": f"peer/{name}", "what": note})
        else:
            for mebibytes in (size for size in peer.memory if size <= largest_mib):
                taken += series(name, peer, mebibytes, await stops(peer, stamp, mebibytes, samples, seconds))
        peer.close()
    finally:
        stamp.end_victim()
        stamp.close()
    return {"format": "workit-bench/1", "machine": {"began": began}, "series": taken, "notes": notes, "skipped": []}


def main(arguments):
    if len(arguments) != 4 or arguments[0] not in PEERS or not all(word.isdecimal() for word in arguments[1:]):
        allowed = f"SAMPLES, SECONDS and LARGEST_MIB, whole numbers, after one of {' '.join(PEERS)}"
        print(f"main.py got '{' '.join(arguments)}'; allowed: {allowed}", file=sys.stderr)
        return 2
    print(json.dumps(asyncio.run(measure(arguments[0], *map(int, arguments[1:])))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
