"""What the disk takes for a sync, to be read beside what is stored on it."""

import os
import statistics
import tempfile
import time

SYNCS = 200
WRITE = b"x" * 8192


def measure_disk(folder, cores):
    """Writes of 8 KiB, each synced, into a file that has been written before, as the log's is; from these cores, as it is not the
    same from the one that serves the disk's interrupts and from another."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        return {"fdatasync of 8 KiB, median, ms": statistics.median(sync_times(folder)) * 1e3}
    finally:
        os.sched_setaffinity(0, before)


def sync_times(folder):
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(SYNCS * len(WRITE)))
        file.flush()
        os.fsync(file.fileno())
        times = []
        for number in range(SYNCS):
            os.pwrite(file.fileno(), WRITE, number * len(WRITE))
            before = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - before)
    return times
