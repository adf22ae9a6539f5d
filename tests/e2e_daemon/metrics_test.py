"""`/metrics`: names, types, and numbers that agree with what happened."""

import re

import pytest
from e2e_support import Daemon, wait_until

# Names that dashboards and alerts rely on (docs/OPERATIONS.md).
FAMILIES = {
    "tracking_events_total": "counter", "tracking_events_received_total": "counter",
    "tracking_events_in_flight": "gauge", "tracking_request_seconds": "histogram",
    "tracking_delivery_seconds": "histogram", "tracking_subscribers": "gauge",
    "tracking_missed_events_total": "counter", "tracking_delivered_events_total": "counter",
    "tracking_account_change_seconds": "histogram", "tracking_account_changes_total": "counter",
    "tracking_account_lookups_total": "counter", "tracking_account_queries_total": "counter",
    "tracking_accounts_cached": "gauge", "tracking_ready": "gauge", "tracking_build_info": "gauge",
    "tracking_http_requests_total": "counter", "tracking_http_answers_total": "counter",
    "tracking_http_connections": "gauge", "tracking_http_received_bytes_total": "counter",
    "tracking_http_sent_bytes_total": "counter", "tracking_log_suppressed_total": "counter",
    "process_cpu_seconds_total": "counter", "process_resident_memory_bytes": "gauge", "process_open_fds": "gauge",
    "process_max_fds": "gauge", "process_start_time_seconds": "gauge",
}


@pytest.fixture
def daemon():
    with Daemon() as running:
        yield running


def test_every_line_is_in_the_text_format(daemon):
    answer = daemon.admin("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    sample = re.compile(r'^[a-z_:][a-z0-9_:]*(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? [-+.0-9eInfNa]+$')
    comment = re.compile(r"^# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))$")
    for line in answer.text.splitlines():
        assert sample.match(line) or comment.match(line), line


def test_the_promised_names_are_there_with_help_and_type(daemon):
    text = daemon.admin("GET", "/metrics").text
    for name, type in FAMILIES.items():
        assert f"# TYPE {name} {type}\n" in text, name
        assert f"# HELP {name} " in text, name


def test_events_are_counted_by_outcome(daemon):
    for account_id, count in ((1, 3), (2, 2), (99, 4)):
        for _ in range(count):
            daemon.post({"account_id": account_id, "data": "x"})
    daemon.post(body=b"{", headers={"Content-Type": "application/json"})
    metrics = daemon.metrics()
    assert metrics['tracking_events_total{outcome="accepted"}'] == 3
    assert metrics['tracking_events_total{outcome="inactive-account"}'] == 2
    assert metrics['tracking_events_total{outcome="unknown-account"}'] == 4
    assert metrics['tracking_events_total{outcome="malformed-json"}'] == 1
    assert metrics["tracking_events_received_total"] == 10
    assert metrics["tracking_events_in_flight"] == 0


def test_usual_outcomes_are_shown_before_they_occur(daemon):
    metrics = daemon.metrics()
    for outcome in ("accepted", "unknown-account", "broker-unavailable", "overloaded", "in-doubt"):
        assert metrics[f'tracking_events_total{{outcome="{outcome}"}}'] == 0


def test_histograms_are_cumulative_and_count_every_request(daemon):
    with daemon.subscribe() as stream:
        for _ in range(10):
            daemon.post({"account_id": 1, "data": "x"})
        stream.next_events(10)
        wait_until(lambda: daemon.metrics()["tracking_delivery_seconds_count"] == 10)
    metrics = daemon.metrics()
    for name in ("tracking_request_seconds", "tracking_delivery_seconds"):
        buckets = [value for key, value in metrics.items() if key.startswith(f"{name}_bucket")]
        assert buckets == sorted(buckets) and len(buckets) == 17
        assert metrics[f'{name}_bucket{{le="+Inf"}}'] == metrics[f"{name}_count"] == 10
        assert 0 < metrics[f"{name}_sum"] < 100


def test_subscribers_connections_and_deliveries_are_counted(daemon):
    assert daemon.metrics()["tracking_subscribers"] == 0
    with daemon.subscribe() as one, daemon.subscribe("account_id=3", sse=False):
        wait_until(lambda: daemon.metrics()["tracking_subscribers"] == 2)
        daemon.post({"account_id": 1, "data": "x"})
        one.next_event()
        wait_until(lambda: daemon.metrics()["tracking_delivered_events_total"] == 1)
        assert daemon.metrics()["tracking_http_connections"] >= 2
    wait_until(lambda: daemon.metrics()["tracking_subscribers"] == 0, what="closed streams")


def test_lookups_tell_hits_from_misses(daemon):
    def hits_and_misses():
        metrics = daemon.metrics()
        return [metrics[f'tracking_account_lookups_total{{result="{result}"}}'] for result in ("hit", "miss")]

    def is_known():  # a moment after the first event was answered
        daemon.post({"account_id": 1, "data": "x"})
        return hits_and_misses()[0] > 0
    wait_until(is_known, what="a hit")
    hits, misses = hits_and_misses()
    assert misses >= 1
    for _ in range(5):
        daemon.post({"account_id": 1, "data": "x"})
    assert hits_and_misses() == [hits + 5, misses]


def test_changes_of_accounts_are_counted_with_their_delay(daemon):
    daemon.post({"account_id": 1, "data": "x"})
    before = daemon.metrics()["tracking_account_changes_total"]
    daemon.admin("PATCH", "/v1/accounts/1", json={"is_active": False})
    wait_until(lambda: daemon.metrics()["tracking_account_changes_total"] > before, what="a change counted")
    metrics = daemon.metrics()
    assert metrics["tracking_account_change_seconds_count"] == metrics["tracking_account_changes_total"] > 0
    assert metrics['tracking_account_change_seconds_bucket{le="1"}'] == metrics["tracking_account_change_seconds_count"]


def test_readiness_and_build_are_shown(daemon):
    metrics = daemon.metrics()
    assert metrics['tracking_ready{dependency="accounts"}'] == 1
    assert metrics['tracking_ready{dependency="broker"}'] == 1
    assert metrics[f'tracking_build_info{{version="{daemon.records("listening")[0]["version"]}"}}'] == 1


def test_process_metrics_agree_with_the_system(daemon):
    metrics = daemon.metrics()
    assert metrics["process_max_fds"] >= 1024
    # Connections that are just being closed may count here or there; each reading is itself a connection and a folder.
    wait_until(lambda: 0 <= daemon.metrics()["process_open_fds"] - daemon.open_files() <= 2, what="the same open files")
    assert 1e6 < metrics["process_resident_memory_bytes"] < 1e9


def test_the_answer_is_compressed_if_that_is_accepted(daemon):
    answer = daemon.admin("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    assert answer.headers.get("content-encoding") == "gzip"
