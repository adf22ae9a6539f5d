"""What the disk takes for a sync, to be read beside what is stored on it."""

import os
import statistics
import tempfile
import time

SYNCS = 200
WRITE = b"x" * 8192


def measure_disk(folder):
    """Writes of 8 KiB, each synced, into a file that has been written before, as the log's is."""
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
    return {"fdatasync of 8 KiB, median, ms": statistics.median(times) * 1e3}
