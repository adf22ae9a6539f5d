"""What end-to-end tests share: the real daemon on free ports, raw sockets, stream readers, waiting with a deadline.

    from e2e_support import Daemon

    def test_an_event_is_accepted():
        with Daemon() as daemon:
            answer = daemon.post({"account_id": 1, "data": "foo"})
            assert answer.status == 202
"""

from .certificates import Authority
from .daemon import Daemon, StartError, program, run_httpd
from .fault_proxy import FaultProxy
from .http import Answer, request
from .nats import MonitoredNatsServer, NatsClient, NatsServer
from .nkeys import NKey, Operator
from .ports import free_port
from .postgres import Postgres
from .proxy import Proxy, haproxy_command, nginx_command, source
from .raw import RawConnection
from .stream import Stream
from .waiting import seconds, wait_until

__all__ = ["Answer", "Authority", "Daemon", "FaultProxy", "MonitoredNatsServer", "NKey", "NatsClient", "NatsServer",
           "Operator", "Postgres", "Proxy", "RawConnection", "StartError", "Stream", "free_port", "haproxy_command",
           "nginx_command", "program", "request", "run_httpd", "seconds", "source", "wait_until"]
