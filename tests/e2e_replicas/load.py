"""Clients as the contract wants them: each event has an id of the client's own, and is repeated until it is accepted."""

import collections
import http.client
import json
import threading

from e2e_support import seconds, wait_until


class Load:
    """Posts from some threads over kept connections until stopped. `accepted` are the ids that were answered 202.

    Who gets no 202 waits a little before the next try. Clients that ask without a pause whenever all replicas are away
    take the machine from the replicas that try to come back, and from the test.
    """

    PAUSE_SECONDS = 0.05

    def __init__(self, port, account_id, threads=4):
        self.port = port
        self.account_id = account_id
        self.accepted = []
        self.acks = set()
        self.failures = collections.Counter()  # by what came instead
        self.is_stopped = threading.Event()  # after the event under way
        self.is_given_up = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """No thread goes on posting behind a test that failed."""
        self.is_given_up.set()
        self.is_stopped.set()

    def wait_for_more(self, count=100):
        wanted = len(self.accepted) + count
        wait_until(lambda: len(self.accepted) >= wanted, 60,
                   f"{count} more events accepted: there are {len(self.accepted)}, and {self.failures};")

    def stop(self):
        """Returns when every event that was begun is accepted."""
        self.is_stopped.set()
        for thread in self.threads:
            thread.join(seconds(60))
            assert not thread.is_alive(), f"an event is accepted by nobody: {self.failures}"

    def _run(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds(20))
        count = 0
        while not self.is_stopped.is_set():
            count += 1
            event = {"account_id": self.account_id, "id": f"{number}-{count}", "data": count}
            while (outcome := self._post(connection, event)) != 202:
                self.failures[outcome] += 1
                if self.is_given_up.wait(self.PAUSE_SECONDS):
                    return
            self.accepted.append(event["id"])

    def _post(self, connection, event):
        """202, the type of a replica's problem, another status of the proxy's own, or the name of an exception."""
        try:
            connection.request("POST", "/", json.dumps(event), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__
        if answer.status == 202:
            self.acks.add(json.loads(body)["ack"])
        elif answer.getheader("Content-Type") == "application/problem+json":
            return json.loads(body)["type"]
        return answer.status
