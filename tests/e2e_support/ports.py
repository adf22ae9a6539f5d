"""Ports for servers that tests start, also before they are started and while they are away."""

import random
import socket

_FIRST, _COUNT = 20_000, 12_000
_HELD = []


def free_port():
    """A port of 127.0.0.1 on which nobody listens, and that nobody else is given while this process lives.

    The kernel gives ports from 32768 on (as Linux comes) to whoever listens or connects without naming one; other tests, in
    Python or C++, hold a name in the network's abstract namespace for each of their ports.
    """
    start = random.SystemRandom().randrange(_COUNT)
    for offset in range(_COUNT):
        port = _FIRST + (start + offset) % _COUNT
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0tracking-test-port-{port}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        _HELD.append(name)
        return port
    raise OSError("no free port")
