"""A VMA that nginx plays: every key is answered at once, and its bytes grow with the time of day."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

from moving_entry import BASE_BYTES, KEY_MARK, MOVED_MARK, PERCENT_MARK, TOTAL_BYTES, entry

PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
_HUNDREDTH = 10**10
"""Bytes that the entries grow by while the two leading digits of their span stand."""
_CONFIGURATION = """worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; root {folder};
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  map $msec $moved {{ "~^\\d{{4}}(?<span>\\d{{6}})\\.(?<milli>\\d{{3}})$" "1${{span}}${{milli}}000"; }}
  map $msec $hundredth {{ "~^\\d{{4}}(?<leading>\\d\\d)" $leading; }}
  map $hundredth $percent {{ {percents} }}
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location = /requests {{ stub_status; }}
    location = /api/v1/health {{ default_type application/json; return 200 '{{"status":"healthy"}}'; }}
    location ~ ^/api/v1/progress/(?<key>.+)$ {{ default_type application/json; return 200 '{entry}'; }} }} }}
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def configuration(folder: Path, port: int) -> str:
    """Return nginx' configuration; entries start now."""
    told = entry(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    for mark, variable in ((KEY_MARK, "$key"), (MOVED_MARK, "$moved"), (PERCENT_MARK, "$percent")):
        told = told.replace(mark, variable, 1)
    shares = [(BASE_BYTES + number * _HUNDREDTH) / TOTAL_BYTES for number in range(100)]
    percents = " ".join(f"{number:02} {100 * share:.2f};" for number, share in enumerate(shares))
    return _CONFIGURATION.format(folder=folder, port=port, percents=percents, entry=told)


@contextmanager
def nginx_vma() -> Iterator[str]:
    """Run nginx, which must be there; yield the VMA's URL."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="oma-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx' worker runs as another user
        file = folder / "nginx.conf"
        file.write_text(configuration(folder, port))
        process = subprocess.Popen(
            [PROGRAM or "nginx", "-p", name, "-c", str(file)], stderr=subprocess.DEVNULL
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_up(f"{url}/requests")
            yield url
        finally:
            process.terminate()
            process.wait()


def wait_until_up(url: str) -> None:
    """Return once the server answers; raises OSError where it does not."""
    for attempts_left in range(100, 0, -1):
        try:
            with urlopen(url, timeout=1) as reply:  # noqa: S310 - our own loopback server
                reply.read()
        except OSError:
            if attempts_left == 1:
                raise
            time.sleep(0.05)
        else:
            return
