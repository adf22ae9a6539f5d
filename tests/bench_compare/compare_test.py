"""bench/compare measures, and what it says of its samples is right."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from e2e_support import seconds

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
COMPARE = SOURCE / "bench/compare"
sys.path.insert(0, str(COMPARE))

from statistics_of import median_interval, summary  # noqa: E402


CORES = ("--server-core", "0", "--load-core", str(os.cpu_count() - 1))


def run(script, *arguments):
    return subprocess.run([sys.executable, COMPARE / script, os.environ["TRACKING_BUILD_DIR"], *map(str, arguments)],
                          capture_output=True, text=True, check=False, timeout=seconds(120),
                          env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})


def compare(*arguments):
    return run("run.py", *CORES, *arguments)


def test_a_short_run_gives_table_json_and_chart(tmp_path):
    report_file, chart_file = tmp_path / "report.json", tmp_path / "chart.svg"
    done = compare("--only", "memory", "--scenario", "single", "--scenario", "ndjson", "--rounds", 2, "--seconds", 0.1,
                   "--json", report_file, "--chart", chart_file)
    assert done.returncode == 0, done.stderr
    assert "| memory |" in done.stdout
    report = json.loads(report_file.read_text())
    for scenario in ("single", "ndjson"):
        result = report["scenarios"][scenario]["results"]["memory"]
        assert result["cpu_us"]["median"] > 0 and len(result["samples"]) == 2
    chart = xml.etree.ElementTree.parse(chart_file).getroot()
    assert chart.tag.endswith("svg") and sum(element.tag.endswith("rect") for element in chart) == 3


def test_with_shared_cores_nothing_is_pinned():
    done = compare("--only", "memory", "--scenario", "single", "--rounds", 1, "--seconds", 0.1, "--shared")
    assert done.returncode == 0, done.stderr
    assert "| memory |" in done.stdout


@pytest.mark.parametrize("series, points", [("accounts", ["1", "100", "10,000", "100,000"]), ("connections", ["1", "4", "16", "64", "256"]),
                                            ("data", ["32", "256", "1,024", "4,096"])])
def test_growth_measures_each_point_of_a_series(tmp_path, series, points):
    report_file = tmp_path / "report.json"
    done = run("growth.py", *CORES, "--series", series, "--rounds", 1, "--seconds", 0.05, "--json", report_file)
    assert done.returncode == 0, done.stderr
    for measured in json.loads(report_file.read_text())["series"].values():
        found = measured["tracking"]["points"]
        assert list(found) == points and all(point["cpu_us"]["median"] > 0 for point in found.values())
        assert found[points[0]]["ratio"]["median"] == 1 and measured["tracking"]["highest_ratio"] >= 1
    assert "| 1 (1–1) |" in done.stdout and " within 1.15" in done.stdout


def test_paced_says_in_how_many_rounds_it_was_below(tmp_path):
    report_file = tmp_path / "report.json"
    done = run("paced.py", *CORES, "--beside", "memory", "--rate", 500, "--rounds", 2, "--seconds", 0.1, "--json", report_file)
    assert done.returncode == 0, done.stderr
    runs = json.loads(report_file.read_text())["rates"]["500"]
    below = sum(ours["p99_us"] < theirs["p99_us"] for ours, theirs in zip(runs["nats"], runs["memory"]))
    assert f"below it in {below} of 2 rounds" in done.stdout


def test_many_accounts_reads_memory_and_what_was_known(tmp_path):
    report_file = tmp_path / "report.json"
    done = run("many_accounts.py", "--accounts", 3000, "--seconds", 1, "--rate", 500, "--tail", 100, "--json", report_file)
    report = json.loads(report_file.read_text()) if report_file.exists() else pytest.fail(done.stderr)
    assert done.returncode == (0 if report["is_steady"] else 1), done.stderr
    assert 2000 < report["cached"] <= 3000 and 0.5 < report["hit_ratio"] <= 1 and len(report["samples"]) > 1
    assert report["later_half"] > report["at_start"] and "hot accounts: p50" in done.stdout


def test_a_contestant_that_cannot_be_had_is_told():
    done = compare("--only", "base", "--base", "no-such-commit", "--scenario", "single")
    assert done.returncode == 1 and "left out: base: there is no commit no-such-commit" in done.stderr


def test_subscribers_are_measured_beside_the_bare_relay(tmp_path):
    """No event may be missing, on either side: the script fails otherwise."""
    report_file = tmp_path / "report.json"
    done = run("subscribers.py", *CORES, "--rounds", 1, "--seconds", 1, "--rate", 300, "--subscribers", 40, "--json", report_file)
    assert done.returncode == 0, done.stderr
    report = json.loads(report_file.read_text())
    for name in ("relay", "memory"):
        (latency,), (fan_out,) = report["latency"][name], report["fan-out"][name]
        assert latency["delivery_us"]["count"] == latency["accepted"] > 0
        assert fan_out["last_delivery_us"]["count"] == fan_out["accepted"] > 0
        assert fan_out["delivery_us"]["count"] == 40 * fan_out["accepted"]
    assert set(report["memory"]) == {"idle", "after an event to each"}


@pytest.mark.parametrize("count, ranks", [(6, (1, 6)), (9, (2, 8)), (15, (4, 12)), (25, (8, 18)), (100, (40, 61))])
def test_the_interval_of_a_median_has_the_ranks_of_the_tables(count, ranks):
    assert median_interval(range(1, count + 1)) == ranks


def test_few_values_are_given_back_whole():
    assert median_interval([3, 1, 2]) == (1, 3) and median_interval([5]) == (5, 5)


def test_a_summary_is_of_all_values():
    values = [5, 1, 4, 2, 3]
    assert summary(values) == {"median": statistics.median(values), "low": 1, "high": 5, "runs": 5}
