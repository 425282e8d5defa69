"""A real Prometheus that scrapes one program."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from patience import PATIENCE_S, until


def required(name: str) -> str:
    """Return where a program of Debian's package prometheus is; skip the test where it is not."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: package prometheus")
    return found


class Prometheus:
    """Answers queries over what it has scraped."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression gives now."""
        answer = self._get("/api/v1/query?" + urlencode({"query": expression}))
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])

    def rules(self) -> list[dict[str, Any]]:
        """Return the alert rules that it has loaded, with their health."""
        groups = self._get("/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def is_ready(self) -> bool:
        """Whether it serves."""
        with suppress(URLError, ConnectionError), urlopen(f"{self.url}/-/ready", timeout=PATIENCE_S) as reply:  # noqa: S310 - loopback
            return bool(reply.status == 200)
        return False

    def _get(self, path: str) -> dict[str, Any]:
        with urlopen(self.url + path, timeout=PATIENCE_S) as reply:  # noqa: S310 - loopback
            return dict(json.load(reply))


@contextmanager
def prometheus(folder: Path, target: str, rules: Path) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes *target*, host:port, each second, and has loaded *rules*."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": "oma-poller", "static_configs": [{"targets": [target]}]}],
        "rule_files": [str(rules)],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))  # JSON is YAML, too
    listen = f"127.0.0.1:{_free_port()}"
    process = subprocess.Popen(
        [
            required("prometheus"),
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={listen}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Prometheus(f"http://{listen}")
    try:
        until(server.is_ready, "Prometheus")
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
