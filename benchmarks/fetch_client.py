"""CPU cost of the VMA client: CPU ms per 1,000 requests, beside a bare CurlMulti loop in the same run.

    python benchmarks/fetch_client.py [--requests 10000] [--in-flight 50] [--repeats 5]

The server is nginx, so the figures are this process alone: user and system time of the client with decoding,
against libcurl with neither queue, batches, headers nor decoding. Replies are shape C entries of some 800
bytes.
"""

import argparse
import statistics
import sys
import threading
from collections.abc import Sequence
from urllib.request import urlopen

import pycurl  # type: ignore[import-untyped] # pycurl ships no types
from moving_entry import EXPORT, volume_id
from nginx_vma import PROGRAM, nginx_vma
from yardsticks import bare_curl_ms, cpu_ms

from oma_poller.clock import SystemClock
from oma_poller.engine.ports import Answer, TierAnswer, TierRequest
from oma_poller.model.reading import Reading
from oma_poller.vma.address import PROGRESS_PATH
from oma_poller.vma.client import VMAProgressClient
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.wire import decode

KEYS = [EXPORT + volume_id(number) for number in range(1000)]


def run_client(url: str, requests: int, in_flight: int) -> None:
    """Fetch with the client, decoding each reply."""
    ended = threading.Event()
    left = requests
    failed: list[Answer] = []

    def deliver(answers: Sequence[Answer]) -> None:
        nonlocal left
        failed.extend(
            answer
            for answer in answers
            if not (isinstance(answer, TierAnswer) and isinstance(answer.outcomes[0], Reading))
        )
        left -= len(answers)
        if left == 0:
            ended.set()

    client = VMAProgressClient(
        [VmaTarget("bench", url)], max_in_flight=in_flight, timeout_s=10.0, clock=SystemClock()
    )
    client.start(deliver)
    for first in range(0, requests, 100):
        tickets = range(first, min(first + 100, requests))
        client.submit([TierRequest("bench", (KEYS[ticket % len(KEYS)],), ticket) for ticket in tickets])
    ended.wait()
    client.close()
    if failed:
        sys.exit(f"the client failed: {failed[0]}")


def run_decode(body: bytes, requests: int) -> None:
    """Decode only."""
    for _ in range(requests):
        decode(body, KEYS[0])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if PROGRAM is None:
        sys.exit("fetch_client: nginx is not installed")
    thousands = options.requests / 1000
    bare, client = [], []
    with nginx_vma() as url:
        for _ in range(options.repeats):
            bare.append(bare_curl_ms(url, options.requests, options.in_flight))
            client.append(cpu_ms(lambda: run_client(url, options.requests, options.in_flight)) / thousands)
        with urlopen(f"{url}{PROGRESS_PATH}{KEYS[0]}") as reply:  # noqa: S310 - our own loopback server
            body = reply.read()
    decoding = cpu_ms(lambda: run_decode(body, options.requests)) / thousands
    print(f"{pycurl.version.split()[1]}, {options.in_flight} in flight, {len(body)}-byte replies")
    print("CPU ms per 1,000 requests        median   min   max")
    for name, figures in (("bare CurlMulti", bare), ("VMAProgressClient, decoded", client)):
        print(f"{name:<32} {statistics.median(figures):6.1f} {min(figures):5.1f} {max(figures):5.1f}")
    print(f"{'decode alone':<32} {decoding:6.1f}")
    ratios = [ours / floor for ours, floor in zip(client, bare, strict=True)]
    print(f"{'client / bare':<32} {statistics.median(ratios):6.2f} {min(ratios):5.2f} {max(ratios):5.2f}")


if __name__ == "__main__":
    main()
