#!/usr/bin/env python3
"""How many events a second cross from Python into the engine, and back: time of one thread's CPU, best of several runs.

PYTHONPATH=bindings/python/src TRACKING_C_LIBRARY=build/release/bindings/c/libtracking_c.so python3 bindings/python/bench.py
"""

import json
import time

import tracking

EVENTS = 10_000
RUNS = 20


def best(run, count=EVENTS):
    """Events a second."""
    times = []
    for _ in range(RUNS):
        started = time.thread_time()
        run()
        times.append(time.thread_time() - started)
    return count / min(times)


def main():
    strings = [(1, "foo")] * EVENTS
    objects = [{"account_id": 1, "data": {"n": n, "page": "/index.html"}} for n in range(EVENTS)]
    lines = "\n".join(json.dumps(event) for event in objects).encode()
    with tracking.open(accounts="memory:?active=1") as service:
        assert service.track_batch(objects).are_all_accepted  # it is right before it is fast
        rates = {"track_batch of strings": best(lambda: service.track_batch(strings)),
                 "track_batch of objects": best(lambda: service.track_batch(objects)),
                 "track_json of lines": best(lambda: service.track_json(lines)),
                 "track, one by one": best(lambda: [service.track(1, n) for n in range(1000)], 1000),
                 "subscribe, iterated": best(lambda: sum(1 for _ in service.subscribe(tail=EVENTS, follow=False))),
                 "subscribe, with data": best(lambda: [event.data for event in service.subscribe(tail=EVENTS, follow=False)])}
    for what, rate in rates.items():
        print(f"{what:24} {rate:10,.0f} events/s")


if __name__ == "__main__":
    main()
