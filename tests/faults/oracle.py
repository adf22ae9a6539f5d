"""Processes of their own that know what was acknowledged and what was delivered, whatever becomes of the daemon.

    oracle.py send URL RECORD LANES ACK [SHOWN]  sends until SIGTERM; repeats, with its id, what has no final answer yet
    oracle.py read URL RECORD                    reads from the beginning, and resumes behind its last cursor, until SIGTERM

A record is a file of lines that are flushed one by one. What `judge` finds wrong is a list of sentences.
"""

import collections
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

FINAL = {202, 422}
BATCH_EVENTS = 40
AHEAD_MAX = 20_000


class Record:
    """Appends lines to a file; a line is whole or not there."""

    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def add(self, *words):
        with self._lock:
            self._file.write(" ".join(map(str, words)) + "\n")


class Connection:
    """One keep-alive connection that comes back by itself."""

    def __init__(self, url, ack):
        self.address = urllib.parse.urlsplit(url)
        self.path = f"/v1/events?ack={ack}"
        self.http = None

    def post(self, body):
        """The answer's status and document, or (None, None) if there is none."""
        try:
            if self.http is None:
                self.http = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=60)
            self.http.request("POST", self.path, body=body, headers={"Content-Type": "application/json"})
            answer = self.http.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.http = None
            return None, None


class Lead:
    """How far all lanes may be ahead of the reader whose record is `shown`, if there is one: what it has still to show
    when the sending stops can then be waited for, however long it was stopped and however slow the machine is."""

    def __init__(self, shown, is_stopping):
        self._shown = Ids(shown, "event", 2) if shown else None
        self._is_stopping = is_stopping
        self._lock = threading.Lock()
        self._begun = 0
        self._seen = 0

    def take(self, events):
        """Waits until so many may be begun."""
        with self._lock:
            self._begun += events
            while self._shown and self._begun - self._seen > AHEAD_MAX and not self._is_stopping.is_set():
                self._seen = len(self._shown.all())
                if self._begun - self._seen > AHEAD_MAX:
                    self._is_stopping.wait(0.05)


class Sender(threading.Thread):
    """One lane: single events, or arrays. An event is over when it has been acknowledged at the level asked for."""

    def __init__(self, url, record, lane, is_stopping, ack, lead):
        super().__init__()
        self.lead = lead
        self.connection = Connection(url, ack)
        self.ack = ack
        self.record, self.lane, self.is_stopping = record, lane, is_stopping
        self.account = (1, 3, 4)[lane % 3]
        self.is_batch = lane % 2 == 1

    def run(self):
        number = 0
        while not self.is_stopping.is_set():
            events = BATCH_EVENTS if self.is_batch else 1
            ids = [f"{self.lane}-{number + i}" for i in range(events)]
            number += events
            self.lead.take(events)
            self._deliver(ids)

    def _deliver(self, ids):
        events = [{"account_id": self.account, "id": id, "data": id} for id in ids]
        body = json.dumps(events if self.is_batch else events[0])
        for id in ids:
            self.record.add("begun", id)
        while not self.is_stopping.is_set():
            status, answer = self.connection.post(body)
            if status == 202 and answer.get("accepted", 1) == len(ids) and answer["ack"] == self.ack:
                for id in ids:
                    self.record.add("stored", id)
                return
            if status is not None and status not in (202, 503, 504):
                self.record.add("refused", status, json.dumps(answer))
                return
            self.is_stopping.wait(0.01)


class Reader:
    """The stream as NDJSON."""

    def __init__(self, url, record):
        self.address = urllib.parse.urlsplit(url)
        self.record = record
        self.cursor = None

    def run(self):
        while True:
            try:
                self._read()
            except (OSError, ValueError):
                pass
            time.sleep(0.01)

    def _read(self):
        since = "all" if self.cursor is None else self.cursor
        with socket.create_connection((self.address.hostname, self.address.port), timeout=60) as connection:
            connection.sendall(f"GET /v1/events?since={since} HTTP/1.0\r\nHost: {self.address.netloc}\r\n\r\n".encode())
            with connection.makefile("rb") as file:
                status = file.readline()
                while file.readline() not in (b"\r\n", b""):
                    pass
                if b" 200 " not in status:
                    return
                while (line := file.readline()).endswith(b"\n"):
                    if line.strip():
                        self._take(json.loads(line))

    def _take(self, event):
        if "gap" in event:
            self.record.add("gap", json.dumps(event["gap"]))
        else:
            self.record.add("event", event["account_id"], event["id"], event["producer"], event["sequence"])
        self.cursor = event.get("cursor", self.cursor)


def lines_of(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [line.split(" ", 1) for line in file.read().split("\n")[:-1]]


def judge(sent, received, may_repeat=False, others="visitor-"):
    """What is wrong. `may_repeat`: a reader that was killed shows its last events again. Ids that begin with `others` are of
    somebody else, who may have sent what the record of sending does not know."""
    stored = {word for kind, word in lines_of(sent) if kind == "stored"}
    begun = {word for kind, word in lines_of(sent) if kind == "begun"}
    wrong = [f"refused: {word}" for kind, word in lines_of(sent) if kind == "refused"]
    wrong += [f"gap: {word}" for kind, word in lines_of(received) if kind == "gap"]
    times = collections.Counter()
    sequences = {}
    for kind, word in lines_of(received):
        if kind != "event":
            continue
        account, id, producer, sequence = word.split(" ")
        times[id] += 1
        last = sequences.get((producer, account), 0)
        if int(sequence) <= last and not may_repeat:
            wrong.append(f"out of order: {word} after {last}")
        sequences[producer, account] = int(sequence)
    lost = stored - times.keys()
    wrong += [f"lost: {len(lost)} that were acknowledged as stored, {sorted(lost)[:5]}"] if lost else []
    strange = {id for id in times.keys() - begun if not id.startswith(others)}
    wrong += [f"nobody sent: {sorted(strange)[:5]}"] if strange else []
    again = [id for id, count in times.items() if count > 1]
    wrong += [f"repeated: {len(again)}, {again[:5]}"] if again and not may_repeat else []
    return wrong


class Ids:
    """The ids of one kind of lines of a record that grows: each line is read once, however often it is asked."""

    def __init__(self, path, kind, column):
        self._path, self._kind, self._column = path, kind, column
        self._offset = 0
        self._ids = set()

    def all(self):
        if os.path.exists(self._path):
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                new = file.read()
            new = new[:new.rfind(b"\n") + 1]
            self._offset += len(new)
            lines = (line.split(" ") for line in new.decode().splitlines())
            self._ids.update(words[self._column] for words in lines if words[0] == self._kind)
        return self._ids


class Oracle:
    """The two processes, as tests use them."""

    def __init__(self, folder, url, lanes=4, ack="stored", shown=None):
        self.sent, self.received = str(folder / "sent"), str(folder / "received")
        self._stored, self._delivered = Ids(self.sent, "stored", 1), Ids(self.received, "event", 2)
        self.processes = [subprocess.Popen([sys.executable, os.path.abspath(__file__), *words]) for words in
                          (["send", url, self.sent, str(lanes), ack, *([str(shown)] if shown else [])],
                           ["read", url, self.received])]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()

    def stored(self):
        return len(self.stored_ids())

    def stored_ids(self):
        return self._stored.all()

    def stop_sending(self):
        self.processes[0].send_signal(signal.SIGTERM)
        assert self.processes[0].wait(90) == 0

    def has_all(self):
        """Whether every event that was stored has been delivered."""
        return self._stored.all() <= self._delivered.all()

    def judge(self):
        return judge(self.sent, self.received)


def main(verb, url, path, lanes="1", ack="stored", shown=None):
    record = Record(path)
    if verb == "read":
        Reader(url, record).run()
        return
    is_stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_stopping.set())
    lead = Lead(shown, is_stopping)
    senders = [Sender(url, record, lane, is_stopping, ack, lead) for lane in range(int(lanes))]
    for sender in senders:
        sender.start()
    for sender in senders:
        while sender.is_alive():
            sender.join(0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
