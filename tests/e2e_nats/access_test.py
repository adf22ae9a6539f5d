"""Being let in by a nats-server: passwords, tokens, keys, TLS. And not being let in: one line, 503, tried again for ever."""

import contextlib
import subprocess

import pytest

from e2e_support import Authority, Daemon, NatsServer, NKey, Operator, program, seconds, wait_until

PASSWORD = "s3cret-p4ss"


class Access:
    """How a server lets in, the URL that is let in, and one that is not until `correct()`, with what is said of it."""

    def __init__(self, config, url, wrong_url, correct=None, said="NATS refuses us at"):
        self.config, self.url, self.wrong_url, self.correct, self.said = config, url, wrong_url, correct, said


def written(path, text):
    path.write_text(text)
    return str(path)


def by_password(folder):
    return Access(f"authorization {{ user: alice, password: {PASSWORD} }}", f"alice:{PASSWORD}@HOST", f"alice:{PASSWORD}x@HOST")


def by_password_file(folder):
    right, wrong = (written(folder / name, text + "\n") for name, text in (("right", PASSWORD), ("wrong", PASSWORD + "x")))
    return Access(f"authorization {{ user: alice, password: {PASSWORD} }}", f"alice@HOST?password_file={right}",
                  f"alice@HOST?password_file={wrong}", lambda: written(folder / "wrong", PASSWORD))


def by_token(folder):
    return Access(f"authorization {{ token: {PASSWORD} }}", f"HOST?token={PASSWORD}", f"{PASSWORD}x@HOST")


def by_token_file(folder):
    right, wrong = (written(folder / name, text) for name, text in (("right", PASSWORD), ("wrong", PASSWORD + "x")))
    return Access(f"authorization {{ token: {PASSWORD} }}", f"HOST?token_file={right}", f"HOST?token_file={wrong}",
                  lambda: written(folder / "wrong", PASSWORD))


def by_nkey(folder):
    user, other = NKey("user"), NKey("user")
    right, wrong = (written(folder / name, key.seed) for name, key in (("right", user), ("wrong", other)))
    return Access(f"authorization {{ users = [ {{ nkey: {user.public} }} ] }}", f"{user.public}@HOST?nkey_file={right}",
                  f"{user.public}@HOST?nkey_file={wrong}", lambda: written(folder / "wrong", user.seed))


def by_credentials(folder):
    operator = Operator()
    right = written(folder / "right", operator.credentials())
    wrong = written(folder / "wrong", Operator().credentials())
    return Access(operator.config, f"HOST?creds={right}", f"HOST?creds={wrong}",
                  lambda: written(folder / "wrong", operator.credentials()))


def tls(authority, more=""):
    certificate = authority.issue("server")
    return f'tls {{ cert_file: "{certificate}", key_file: "{authority.path("server", "key")}" {more} }}'


def by_tls(folder):
    ours = Authority(folder)
    Authority(folder, "other")
    wrong = written(folder / "trusted.pem", (folder / "other.pem").read_text())
    return Access(tls(ours), f"HOST?tls_ca={ours.path('ca')}", f"HOST?tls_ca={wrong}",
                  lambda: written(folder / "trusted.pem", (folder / "ca.pem").read_text()), "no TLS with NATS at")


def by_certificate(folder):
    ours, theirs = Authority(folder), Authority(folder, "other")
    config = tls(ours, f', ca_file: "{ours.path("ca")}", verify: true')
    url = f"HOST?tls_ca={ours.path('ca')}"
    ours.issue("client")
    theirs.issue("stranger")

    def use(name):
        for kind in ("pem", "key"):
            written(folder / f"used.{kind}", (folder / f"{name}.{kind}").read_text())

    use("stranger")
    return Access(config, f"{url}&tls_cert={ours.path('client')}&tls_key={ours.path('client', 'key')}",
                  f"{url}&tls_cert={ours.path('used')}&tls_key={ours.path('used', 'key')}", lambda: use("client"),
                  "no TLS with NATS at")


def without_tls(folder):
    ours = Authority(folder)
    return Access(tls(ours), f"HOST?tls=true&tls_ca={ours.path('ca')}", "HOST", said="no TLS with NATS at")


WAYS = [by_password, by_password_file, by_token, by_token_file, by_nkey, by_credentials, by_tls, by_certificate, without_tls]
NAMES = [way.__name__ for way in WAYS]


def at(server, url, scheme="nats"):
    return f"{scheme}://" + url.replace("HOST", f"127.0.0.1:{server.port}")


def cli(*arguments, expect=0):
    done = subprocess.run([program("tracking-cli"), "subscribe", *arguments], capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=seconds(60), check=False, text=True)
    assert done.returncode == expect, done.stderr
    return done


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
def test_who_may_is_let_in(way, tmp_path):
    access = way(tmp_path)
    with NatsServer(access.config) as server, Daemon(broker=at(server, access.url)) as daemon, daemon.subscribe() as stream:
        assert daemon.post({"account_id": 1, "data": "foo"}).status == 202
        assert stream.next_event()["data"] == "foo"
        assert PASSWORD not in daemon.log and "SU" not in daemon.log


# An account of an operator has JetStream by its claims; that is the server's affair.
JETSTREAM_WAYS = [way for way in WAYS if way is not by_credentials]


@pytest.mark.parametrize("way", JETSTREAM_WAYS, ids=[way.__name__ for way in JETSTREAM_WAYS])
def test_who_may_is_let_in_to_jetstream_and_so_is_the_cli(way, tmp_path):
    access = way(tmp_path)
    with NatsServer(access.config, jetstream=True) as server, Daemon(broker=at(server, access.url, "jetstream")) as daemon:
        assert daemon.post({"account_id": 1, "data": "foo"}).json()["ack"] == "stored"
        done = cli("-u", at(server, access.url, "jetstream"), "--since", "all", "--no-follow", "-o", "raw")
        assert done.stdout == '"foo"\n' and PASSWORD not in done.stderr


class Refused:
    """A daemon that is not let in."""

    def __init__(self, way, scheme, folder, stack):
        self.name = way.__name__
        folder.mkdir()
        self.access = way(folder)
        self.server = stack.enter_context(NatsServer(self.access.config, jetstream=scheme == "jetstream"))
        self.daemon = stack.enter_context(Daemon(broker=at(self.server, self.access.wrong_url, scheme), wait=False))

    def attempts(self):
        failures = ("authentication error", "tls handshake error", "authorization violation")
        return sum(any(failure in line.lower() for failure in failures) for line in self.server.log().splitlines())

    def is_told(self):
        return self.access.said in self.daemon.get("/readyz").text

    def let_in(self):
        """Either we get the right secret, or the server lets everyone in."""
        self.access.correct() if self.access.correct else self.server.start("")


@pytest.mark.parametrize("scheme, ways", [("nats", WAYS), ("jetstream", JETSTREAM_WAYS)], ids=["nats", "jetstream"])
def test_who_is_refused_says_so_once_answers_503_and_is_let_in_when_that_changes(tmp_path, scheme, ways):
    with contextlib.ExitStack() as stack:
        # At once: each waits a few seconds.
        everyone = [Refused(way, scheme, tmp_path / way.__name__, stack) for way in ways]
        for one in everyone:
            wait_until(one.is_told, 20, f"{one.name}: the reason told")
            answer = one.daemon.post({"account_id": 1, "data": "foo"})
            assert (answer.status, answer.problem) == (503, "broker-unavailable"), one.name
            assert one.daemon.metrics()["tracking_broker_connects_total"] == 0, one.name
        for one in everyone:
            wait_until(lambda one=one: one.attempts() >= 4, 30, f"{one.name}: tried again, which cnats by itself does once")
            assert sum(one.access.said in line and "trying again" in line for line in one.daemon.lines) == 1, one.name
            assert PASSWORD not in one.daemon.log, one.name
            one.let_in()
        for one in everyone:
            one.daemon.wait_ready(20)
            assert one.daemon.post({"account_id": 1, "data": "foo"}).status == 202, one.name
            # It serves before it says so.
            wait_until(lambda one=one: any("connected to NATS" in line for line in one.daemon.lines), 10, f"{one.name}: told")
            assert sum("connected to NATS" in line for line in one.daemon.lines) == 1, one.name


def test_without_retry_the_cli_says_why_it_is_not_let_in(tmp_path):
    access = by_password(tmp_path)
    with NatsServer(access.config) as server:
        done = cli("-u", at(server, access.wrong_url), "--no-retry", expect=3)
        assert "refuses us" in done.stderr and PASSWORD not in done.stderr
