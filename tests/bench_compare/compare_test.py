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


def compare(*arguments):
    return subprocess.run([sys.executable, COMPARE / "run.py", os.environ["TRACKING_BUILD_DIR"], "--server-core", "0",
                           "--load-core", str(os.cpu_count() - 1), *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=seconds(120), env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})


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


def test_a_contestant_that_cannot_be_had_is_told():
    done = compare("--only", "base", "--base", "no-such-commit", "--scenario", "single")
    assert done.returncode == 1 and "left out: base: there is no commit no-such-commit" in done.stderr


@pytest.mark.parametrize("count, ranks", [(6, (1, 6)), (9, (2, 8)), (15, (4, 12)), (25, (8, 18)), (100, (40, 61))])
def test_the_interval_of_a_median_has_the_ranks_of_the_tables(count, ranks):
    assert median_interval(range(1, count + 1)) == ranks


def test_few_values_are_given_back_whole():
    assert median_interval([3, 1, 2]) == (1, 3) and median_interval([5]) == (5, 5)


def test_a_summary_is_of_all_values():
    values = [5, 1, 4, 2, 3]
    assert summary(values) == {"median": statistics.median(values), "low": 1, "high": 5, "runs": 5}
