"""A reader as the contract wants it: whenever its stream ends it goes on from its cursor, at another replica."""

import threading

from e2e_support import Stream, seconds, wait_until


class Reader:
    """Reads one replica's stream after the other until the event with the id `end`. `seen` are ids, in their order."""

    def __init__(self, replicas, account_id):
        self.replicas = list(replicas)
        self.query = f"account_id={account_id}"
        self.seen = []
        self.gaps = []
        self.error = None
        self.stream = self.replicas[0].subscribe(self.query)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def read_to_the_end(self):
        self.thread.join(seconds(60))
        assert not self.thread.is_alive(), f"the event `end` never came; {len(self.seen)} were seen"
        if self.error:
            raise self.error

    def _run(self):
        try:
            while not self.seen or self.seen[-1] != "end":
                self._take(self._next())
        except (OSError, AssertionError) as error:  # a time-out is one; told to whom waits
            self.error = error
        finally:
            self.stream.close()

    def _take(self, event):
        if event is None:
            self.replicas.append(self.replicas.pop(0))
            self._resume()
        elif "gap" in event:
            self.gaps.append(event)
        else:
            self.seen.append(event["id"])

    def _next(self):
        try:
            return self.stream.next_event(60)
        except ConnectionError:
            return None

    def _resume(self):
        cursor = self.stream.last_id
        self.stream.close()
        wait_until(lambda: self._is_open(cursor), 30, "a replica to go on with", pause=0.1)

    def _is_open(self, cursor):
        try:
            self.stream = Stream(self.replicas[0].url, self.query, headers={"Last-Event-ID": cursor})
        except (OSError, AssertionError):  # it was killed; another is asked
            self.replicas.append(self.replicas.pop(0))
            return False
        return self.stream.status == 200
