"""How long and from which seed the fault tests run: TRACKING_FAULT_SEED and TRACKING_FAULT_ROUNDS; run.sh sets them."""

import os
import random
import sys


def rounds(short):
    return int(os.environ.get("TRACKING_FAULT_ROUNDS", short))


def chance(name):
    """A random.Random for one test; says how to repeat it."""
    seed = os.environ.get("TRACKING_FAULT_SEED") or str(random.SystemRandom().randrange(1 << 32))
    print(f"{name}: repeat with tests/faults/run.sh --seed {seed}", file=sys.stderr)
    return random.Random(f"{seed} {name}")
