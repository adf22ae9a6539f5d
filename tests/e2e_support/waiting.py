"""Waiting for conditions instead of sleeping."""

import os
import time


def seconds(limit):
    """`limit` in seconds, stretched by TRACKING_TEST_TIME_FACTOR for builds with sanitizers and slow machines."""
    return limit * float(os.environ.get("TRACKING_TEST_TIME_FACTOR", "1"))


def wait_until(condition, limit=10.0, what="the condition", pause=0.005):
    """Calls `condition` until it returns something true, and returns that; fails after `limit` seconds."""
    deadline = time.monotonic() + seconds(limit)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds(limit):g} s")
        time.sleep(pause)
