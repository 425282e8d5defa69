"""Record what a VMA says of a copy while it runs: one reply body a line, as it came.

    .venv/bin/python tools/record_copy.py --out FILE [--vma URL] [--interval SECONDS] KEY...

The first line is {"began_at", "interval_s", "keys"}; each further one is {"at_s", "key", "body"}, with the
monotonic seconds since `began_at` and the body to the letter. Recording begins with the first reply that
knows a key, goes on until every key has ended, and takes two more polls. Exit status 1: nothing there.
"""

import argparse
import http.client
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

ENDS = {"completed", "succeeded", "complete", "failed", "error", "cancelled", "canceled"}
POLLS_AFTER_THE_END = 2


class Vma:
    """One VMA's progress API, over a connection that is kept."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise SystemExit(f"--vma: wrong value {url!r}: expected http://HOST[:PORT]")
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=10)

    def body(self, key: str) -> str | None:
        """Return the body of a 200 reply; None where the VMA does not know the key, or is away."""
        try:
            self._connection.request("GET", f"/api/v1/progress/{quote(key, safe='')}")
            reply = self._connection.getresponse()
            body = reply.read().decode()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None
        return body if reply.status == http.client.OK else None


def ticks(interval_s: float, longest_s: float) -> Iterator[float]:
    """Yield the monotonic time at each interval; the rate does not drift."""
    began_s = time.monotonic()
    for number in range(int(longest_s / interval_s) + 1):
        time.sleep(max(0.0, began_s + number * interval_s - time.monotonic()))
        yield time.monotonic()


def record(vma: Vma, keys: list[str], interval_s: float, longest_s: float) -> Iterator[str]:
    """Yield the lines of a recording as they come."""
    began_s: float | None = None
    after_the_end = 0
    for now_s in ticks(interval_s, longest_s):
        bodies = {key: body for key in keys if (body := vma.body(key)) is not None}
        if began_s is None and bodies:
            began_s = now_s
            began_at = datetime.now(UTC).isoformat(timespec="milliseconds")
            yield json.dumps({"began_at": began_at, "interval_s": interval_s, "keys": keys})
        for key, body in bodies.items():
            at_s = round(now_s - (began_s or 0.0), 3)
            # The body goes in as it came: to decode and encode it would make another one of it.
            yield f'{{"at_s": {at_s}, "key": {json.dumps(key)}, "body": {body.strip()}}}'
        ended = [key for key, body in bodies.items() if json.loads(body).get("status", "").lower() in ENDS]
        after_the_end += len(ended) == len(keys)
        if after_the_end > POLLS_AFTER_THE_END:
            return


def main(arguments: list[str]) -> int:
    """Record to the end of the copies and say how many replies were kept."""
    parser = argparse.ArgumentParser(description="Record what a VMA says of a copy while it runs.")
    parser.add_argument("keys", nargs="+", metavar="KEY")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--vma", default="http://127.0.0.1:9081", metavar="URL")
    parser.add_argument("--interval", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--longest", type=float, default=900.0, metavar="SECONDS")
    asked = parser.parse_args(arguments)
    if asked.interval <= 0:
        parser.error(f"--interval: wrong value {asked.interval:g}: expected more than 0")
    replies = -1
    with asked.out.open("w", encoding="utf-8") as file:
        for line in record(Vma(asked.vma), asked.keys, asked.interval, asked.longest):
            file.write(f"{line}\n")
            replies += 1
    print(f"{asked.out}: {max(replies, 0)} replies")
    return 0 if replies > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
