"""The metrics of the real program, and the alert rules and the dashboard that read them."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import RunningPoller, running
from prometheus_client.parser import text_string_to_metric_families
from prometheus_server import Prometheus, prometheus, required
from scripted_vma import ScriptedVma, entry, serving

from oma_poller.database.address import DatabaseAddress, Engine

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "oma-poller.rules.yml"
PROMISED = {
    "oma_poller_active_jobs": "gauge",
    "oma_poller_jobs": "gauge",
    "oma_poller_polls": "counter",
    "oma_poller_poll_duration_seconds": "histogram",
    "oma_poller_schedule_lateness_seconds": "histogram",
    "oma_poller_in_flight_polls": "gauge",
    "oma_poller_db_rows_written": "counter",
    "oma_poller_db_flush_duration_seconds": "histogram",
    "oma_poller_db_pending_rows": "gauge",
    "oma_poller_db_up": "gauge",
    "oma_poller_errors": "counter",
    "oma_poller_unknown_words": "counter",
    "oma_poller_regressions": "counter",
    "oma_poller_vma_up": "gauge",
    "oma_poller_vma_probe_duration_seconds": "gauge",
}


@pytest.fixture
def oma(tmp_path: Path) -> OmaDatabase:
    """Return an OMA's database with two jobs."""
    database = OmaDatabase(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))).create()
    database.add_job("job-1", "v-1", source_vm_name='db "eins"\\n')
    database.add_job("job-2", "v-2")
    return database


@pytest.fixture
def vma() -> ScriptedVma:
    """Return a VMA on which the first job is half done; it does not know the second."""
    vma = ScriptedVma()
    vma.entries["migration-vol-v-1"] = entry(
        "migration-vol-v-1", bytes_transferred=500, total_bytes=1000, phase="Teleporting"
    )
    return vma


@contextmanager
def serving_metrics(
    folder: Path, oma: OmaDatabase, vma: ScriptedVma, **more: str
) -> Iterator[tuple[RunningPoller, str]]:
    """Run the program; yield it and its API's URL."""
    with serving(vma) as vma_url:
        settings = {
            "OMA_DATABASE_URL": oma.url,
            "OMA_API_LISTEN": "127.0.0.1:0",
            "VMA_PROGRESS_CLIENT_URL": vma_url,
            "VMA_PROGRESS_POLL_INTERVAL": "200ms",
            "VMA_PROGRESS_DISCOVERY_INTERVAL": "200ms",
        }
        with running(folder, settings | more) as poller:
            yield poller, str(poller.wait_for("API listening")["url"]).rstrip("/")


def scrape(url: str, accept: str = "") -> str:
    """Return the metrics as text."""
    with urlopen(Request(f"{url}/metrics", headers={"Accept": accept}), timeout=PATIENCE_S) as reply:  # noqa: S310 - loopback
        return str(reply.read().decode())


def sample(text: str, series: str, /, **labels: str) -> float | None:
    """Return the value of one series; None where there is none."""
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            if one.name == series and one.labels == labels:
                return float(one.value)
    return None


def written(url: str) -> str:
    """Return the metrics once rows of both jobs were written."""

    def look() -> str:
        text = scrape(url)
        return text if (sample(text, "oma_poller_db_rows_written_total") or 0) >= 2 else ""

    return until(look, "rows in the metrics")


def test_the_promised_metrics_are_there_with_their_types_and_pass_promtools_check(
    oma: OmaDatabase, vma: ScriptedVma, tmp_path: Path
) -> None:
    with serving_metrics(tmp_path, oma, vma) as (_, url):
        text = written(url)
    types = {family.name: family.type for family in text_string_to_metric_families(text)}
    assert {name: types.get(name) for name in PROMISED} == PROMISED
    assert sample(text, "oma_poller_active_jobs") == 2
    assert sample(text, "oma_poller_jobs", observation="fresh") == 1
    assert sample(text, "oma_poller_jobs", observation="stalled") == 0
    assert (sample(text, "oma_poller_polls_total", result="ok") or 0) >= 1
    assert sample(text, "oma_poller_polls_total", result="timeout") == 0
    assert (sample(text, "oma_poller_unknown_words_total", field="phase") or 0) >= 1
    assert sample(text, "oma_poller_db_up") == 1
    assert sample(text, "oma_poller_vma_up", vma="default") == 1
    assert sample(text, "oma_poller_poll_duration_seconds_bucket", le="+Inf") == sample(
        text, "oma_poller_poll_duration_seconds_count"
    )
    check = subprocess.run(
        [required("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")


def test_no_series_names_a_job_unless_it_was_asked_for(
    oma: OmaDatabase, vma: ScriptedVma, tmp_path: Path
) -> None:
    with serving_metrics(tmp_path, oma, vma) as (_, url):
        assert "job-1" not in written(url)


def test_series_of_a_job_hold_its_numbers_and_go_when_the_job_does(
    oma: OmaDatabase, vma: ScriptedVma, tmp_path: Path
) -> None:
    job = {"job_id": "job-1", "name": 'db "eins"\\n', "vma": "default"}
    with serving_metrics(tmp_path, oma, vma, OMA_METRICS_PER_JOB="true") as (_, url):
        until(lambda: sample(scrape(url), "oma_poller_job_progress_ratio", **job) == 0.5, "the job's series")
        text = scrape(url)
        assert sample(text, "oma_poller_job_transferred_bytes", **job) == 500
        assert sample(text, "oma_poller_job_observation", **job, observation="fresh") == 1
        oma.execute("UPDATE replication_jobs SET status = 'cancelled' WHERE id = 'job-1'")
        until(lambda: "job-1" not in scrape(url), "no series of the job")
        assert "job-2" in scrape(url)


def test_a_scraper_may_ask_for_openmetrics(oma: OmaDatabase, vma: ScriptedVma, tmp_path: Path) -> None:
    with serving_metrics(tmp_path, oma, vma) as (_, url):
        assert scrape(url, "application/openmetrics-text; version=1.0.0").endswith("# EOF\n")


def test_a_vma_and_a_database_that_are_away_show(oma: OmaDatabase, vma: ScriptedVma, tmp_path: Path) -> None:
    with serving_metrics(tmp_path, oma, vma, VMA_PROGRESS_CLIENT_URL="http://127.0.0.1:9") as (_, url):
        until(lambda: sample(scrape(url), "oma_poller_vma_up", vma="default") == 0, "the VMA away")
        until(lambda: sample(scrape(url), "oma_poller_jobs", observation="blind") == 2, "the jobs not seen")
        file = Path(oma.address.name)
        file.rename(file.with_suffix(".gone"))
        file.mkdir()  # nothing that can be opened as a database
        until(lambda: sample(scrape(url), "oma_poller_db_up") == 0, "the database away")


def test_the_alert_rules_hold_what_they_promise() -> None:
    promtool = required("promtool")
    for arguments in (["check", "rules", RULES], ["test", "rules", RULES.with_suffix(".test.yml")]):
        run = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


def dashboard_queries() -> list[str]:
    """Return every query of the dashboard, its variables filled in."""
    dashboard: dict[str, Any] = json.loads((DEPLOY / "grafana" / "oma-poller.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    filled = {"$instance": ".*", "$__rate_interval": "10s", "$__range": "1m"}
    for variable, value in filled.items():
        queries = [query.replace(variable, value) for query in queries]
    return queries


def test_a_real_prometheus_scrapes_the_program_and_answers_every_query_of_the_dashboard(
    oma: OmaDatabase, vma: ScriptedVma, tmp_path: Path
) -> None:
    required("prometheus")
    with (
        serving_metrics(tmp_path, oma, vma) as (_, url),
        prometheus(tmp_path, urlsplit(url).netloc, RULES) as server,
    ):
        written(url)
        unanswered = set(dashboard_queries())
        assert all("$" not in query for query in unanswered)
        probes = {query for query in unanswered if "vma_probe_duration" in query}

        def look(server: Prometheus = server) -> bool:
            unanswered.difference_update([query for query in unanswered - probes if server.query(query)])
            return unanswered == probes

        until(look, f"answers to {unanswered}")
        assert len(probes) == 1
        assert all(server.query(query) == [] for query in probes), "no VMA was away, so none was probed"
        assert {rule["health"] for rule in server.rules()} <= {"ok", "unknown"}
        assert len(server.rules()) == RULES.read_text().count("- alert:")
