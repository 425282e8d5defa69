"""A VMA with copies that move, that can be down, hang, refuse, forget, or answer nonsense."""

import json
import re
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Lock
from typing import Any, Protocol

from scripted_vma import ScriptedVma, serving

Answer = tuple[int, bytes, dict[str, str]]


class Told(Protocol):
    """What is told of a key when somebody asks."""

    def entry(self) -> dict[str, Any]:
        """Return the reply's body as of now."""
        ...


NOT_FOUND: Answer = (404, b"job not found\n", {"Content-Type": "text/plain; charset=utf-8"})


def truncated(body: bytes) -> Answer:
    """Return an answer that breaks off in the middle of *body*."""
    half = body[: len(body) // 2]
    return 200, half, {"Content-Length": str(len(body)), "Connection": "close"}


class FaultyVma(ScriptedVma):
    """Copies by key; what is scripted for a key, or for all of them, goes before its copy."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: dict[str, Told] = {}
        self.answers: dict[str, Answer] = {}
        """Scripted for single keys."""
        self.all_answer: Answer | None = None
        """Scripted for all keys; how the VMA is says the same."""
        self.forgotten: set[str] = set()
        self.delay_s = 0.0
        """So late comes each reply."""
        self.clock_ahead_s = 0.0
        """The VMA's clock minus ours."""
        self.probes = 0
        """How often somebody asked how it is."""
        self._patience = Event()
        self._url = ""
        self._up: ExitStack | None = None
        self._probes = Lock()

    @property
    def url(self) -> str:
        """Its base URL, also while it is down."""
        return self._url

    @property
    def port(self) -> int:
        """Its port, also while it is down."""
        return int(self._url.rpartition(":")[2] or 0)

    def come_up(self) -> None:
        """Serve, on the port it had before."""
        self._up = ExitStack()
        self._url = self._up.enter_context(serving(self, self.port))

    def go_down(self) -> None:
        """Refuse every connection from now on, and cut those there are."""
        up, self._up = self._up, None
        if up is not None:
            up.close()

    def close(self) -> None:
        """Let everything go that waits, and go down."""
        self._patience.set()
        self.go_down()

    def forget(self) -> None:
        """Know no key until its copier reports again (F4)."""
        self.forgotten.update(self.copies)

    def remembers(self, key: str) -> None:
        """Take a copier's report."""
        self.forgotten.discard(key)

    def asked_since(self, before: Counter[str]) -> int:
        """Return how many requests came since *before*, a copy of `asked`."""
        return self.asked.total() - before.total()

    def health(self) -> Answer:
        """Count the question, and answer it as the VMA is."""
        with self._probes:
            self.probes += 1
        self._wait()
        if self.all_answer is not None:
            return self.all_answer
        return super().health()

    def reply(self, key: str) -> Answer:
        """Return what is scripted, else the copy's entry, else a 404."""
        self._wait()
        status, body, headers = self._reply(key)
        if self.clock_ahead_s:
            now = datetime.now(UTC) + timedelta(seconds=self.clock_ahead_s)
            headers = {"Date": format_datetime(now.replace(microsecond=0), usegmt=True)} | headers
        return status, body, headers

    def _reply(self, key: str) -> Answer:
        scripted = self.all_answer or self.answers.get(key)
        if scripted is not None:
            return scripted
        copy = self.copies.get(key)
        if copy is None or key in self.forgotten:
            return NOT_FOUND
        return 200, json.dumps(copy.entry()).encode(), {"Content-Type": "application/json"}

    def _wait(self) -> None:
        if self.hold is not None:
            self.hold.wait()
        if self.delay_s:
            self._patience.wait(self.delay_s)


def with_number(body: dict[str, Any], name: str, number: str) -> bytes:
    """Return *body* as JSON in which the field *name* holds *number*, whatever JSON allows."""
    text = json.dumps(body)
    pattern = rf'"{name}": [-0-9.e]+'
    assert re.search(pattern, text), name
    return re.sub(pattern, f'"{name}": {number}', text, count=1).encode()
