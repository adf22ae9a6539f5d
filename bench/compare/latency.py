#!/usr/bin/env python3
"""tracking over NATS beside programs that have nothing but cnats (bench/peers/cnats): latency, and CPU of JetStream's events.

    bench/compare/latency.py build/release [--rounds 7] [--seconds 2] [--rate 10000]

Latency: from the time at which an event is due to be posted until a reader has it. `tracking` is tracking-cli bench → tracking-httpd →
nats-server → tracking-cli subscribe -u nats://..., whose output a further program reads from a pipe; `bare` is one
program that publishes the same line at the same times, and one that subscribes. The publisher, which is tracking-httpd or the bare
one, has a core of its own; all else is on the other.

Stream: CPU of the bare asynchronous publisher of JetStream for an event, with 64 events under way (as 64 connections have), and with 4,096.

Each round measures each once, in turns. Printed are medians with the least and the most, and in how many rounds the goal held.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

from contestants import SOURCE, Field, run_quietly

GOAL_US = 2000  # p99 beyond that between bare programs


def peer(field):
    """Compiles the bare programs."""
    field.made.mkdir(exist_ok=True)
    program = field.made / "cnats-peer"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libnats"], capture_output=True, text=True, check=True)
    run_quietly(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-o", program, SOURCE / "bench/peers/cnats/peer.c",
                 *flags.stdout.split()])
    return str(program)


def on(core, *words, **options):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, words)], stdin=options.pop("stdin", subprocess.DEVNULL),
                            text=True, **options)


def wait_line(pipe, text):
    for line in pipe:
        if text in line:
            return
    raise RuntimeError(f"it ended without saying {text}")


def bare(field, program, url, options):
    reader = on(field.load_core, program, "subscribe", url, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_line(reader.stderr, "connected")
    on(field.server_core, program, "publish", url, options.rate, options.seconds).wait()
    return json.loads(reader.communicate()[0])


def tracking(field, program, url, service, options):
    cli = field.program("tracking-cli")
    subscriber = on(field.load_core, cli, "subscribe", "-u", url, "-a", "1", "-o", "raw", stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
    reader = on(field.load_core, program, "read", stdin=subscriber.stdout, stdout=subprocess.PIPE)
    subscriber.stdout.close()
    wait_line(subscriber.stderr, "connected")
    load = on(field.load_core, cli, "bench", "-u", service, "-a", "1", "-c", "16", "--rate", options.rate, "--data-size", "28",
              "--warm-up", "0s", "--for", f"{round(options.seconds * 1000)}ms", "-o", "json",
              stdout=subprocess.PIPE)
    seen = json.loads(load.communicate()[0])
    time.sleep(0.5)  # what is under way
    subscriber.terminate()
    found = json.loads(reader.communicate()[0])
    subscriber.communicate()
    return found | {"answer_p99": seen["latency_us"]["p99"]}


def stream(program, field, url, pending, options):
    done = on(field.server_core, program, "stream", url, pending, options.seconds / 2, stdout=subprocess.PIPE)
    return json.loads(done.communicate()[0])


def shown(values, digits=0):
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="a build folder of the release preset")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rate", type=int, default=10_000, help="events a second")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    options = parser.parse_args()
    field = Field(options.build, options.server_core, options.load_core)
    program = peer(field)
    runs = {"bare": [], "tracking": [], "stream of 64": [], "stream of 4096": []}
    contestants = [field.start("nats"), field.start("jetstream")]
    try:
        core, durable = ("nats://" + one.helpers[0].address for one in contestants)
        for number in range(-1, options.rounds):  # round -1 warms
            found = {"bare": bare(field, program, core, options),
                     "tracking": tracking(field, program, core, contestants[0].url.rstrip("/"), options),
                     "stream of 64": stream(program, field, durable, 64, options),
                     "stream of 4096": stream(program, field, durable, 4096, options)}
            for name, sample in found.items() if number >= 0 else ():
                runs[name].append(sample)
    finally:
        for one in contestants:
            one.stop()
    for name in ("bare", "tracking"):
        print(f"{name}: " + ", ".join(f"{key} {shown([run[key] for run in runs[name]])} µs" for key in ("p50", "p90", "p99"))
              + f", {statistics.median(run['events'] for run in runs[name]):,.0f} events a round")
    beyond = [ours["p99"] - theirs["p99"] for ours, theirs in zip(runs["tracking"], runs["bare"])]
    print(f"p99 beyond the bare one's, within a round: {shown(beyond)} µs; at most {GOAL_US:,} in "
          f"{sum(value <= GOAL_US for value in beyond)} of {len(beyond)} rounds")
    for name in ("stream of 64", "stream of 4096"):
        print(f"bare {name}: {shown([run['cpu_us'] for run in runs[name]], 1)} µs of CPU an event, "
              f"{shown([run['events_per_second'] for run in runs[name]])} events a second")


if __name__ == "__main__":
    sys.exit(main())
