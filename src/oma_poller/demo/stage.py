"""The whole demonstration: what is set up, what happens, and how it ends."""

import re
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.oma_schema import init
from oma_poller.database.status_rows import StatusRow, read_status
from oma_poller.database.upgrade import upgrade
from oma_poller.demo.children import Children
from oma_poller.demo.fleet import MIB, DemoVm, insert_fleet, plan_fleet
from oma_poller.demo.images import make_source, make_target
from oma_poller.demo.nbd_server import nbd_programs, serve_exports
from oma_poller.demo.plan import write_plan
from oma_poller.errors import OmaPollerError
from oma_poller.model.policy import TERMINAL_STATUSES, Policy

RATE_BPS = 3 * MIB
"""Bytes a second of each VM's copy: slow enough to be watched."""
LONGEST_S = 100.0
_LOOK_S = 0.25
_KILL_AT_BP = 4000
"""The copier of the first VM is killed once its row says 40 percent."""
_DEAD_FOR_S = 3.0
_SERVING = "serving on "
_API = re.compile(r"API listening.*?url=(\S+)")


class Stage:
    """A folder with images, a database, and the processes between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fleet: tuple[DemoVm, ...] = plan_fleet(folder)
        self.address = DatabaseAddress(Engine.SQLITE, str(folder / "oma-poller.db"))
        self.over_nbd = all(nbd_programs())
        self.story: list[str] = []
        """What happened on the way, a line each, newest last."""
        self._children = Children(folder / "logs")
        self._killed_at_s: float | None = None
        self._restarted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._children.__exit__(kind, error, trace)

    @property
    def settings(self) -> Mapping[str, str]:
        """What configures the poller, and any other command that looks at this demonstration."""
        return {"OMA_DATABASE_URL": f"sqlite:///{self.address.name}"}

    def set_up(self) -> None:
        """Make images and database, and start everything."""
        for disk in (disk for vm in self.fleet for disk in vm.disks):
            make_source(disk)
            make_target(disk)
        init(self.address)
        upgrade(self.address)
        vma_url = self._start_vma()
        server, _ = nbd_programs()
        uris = {}
        if self.over_nbd and server is not None:
            uris = serve_exports(self._children, server, self.fleet, self.folder)
        insert_fleet(self.address, self.fleet)
        for vm in self.fleet:
            write_plan(self._plan_of(vm), vm, uris, vma_url)
            self._start_copier(vm)
        poller = {
            "VMA_PROGRESS_CLIENT_URL": vma_url,
            "VMA_PROGRESS_POLL_INTERVAL": "1s",
            "VMA_PROGRESS_DISCOVERY_INTERVAL": "1s",
            "LOG_FORMAT": "console",
            "OMA_API_LISTEN": "127.0.0.1:0",
        }
        self._children.start_own("poller", ["run"], {**self.settings, **poller})
        self._children.wait_until("poller", lambda: self.page is not None)

    @property
    def page(self) -> str | None:
        """Where the poller's page is; None while it is not served."""
        found = _API.search(self._children.log("poller").read_text(encoding="utf-8"))
        return found[1] if found else None

    def keep(self) -> None:
        """Go on serving until Ctrl-C. Raises OmaPollerError where a process fails."""
        with suppress(KeyboardInterrupt):
            while (failed := self._children.failed()) is None:
                sleep(_LOOK_S)
            raise OmaPollerError(failed)

    def play(self) -> Iterator[tuple[StatusRow, ...]]:
        """Yield what is in the database, again and again, until every job has ended.

        Raises OmaPollerError where a process fails or it takes too long.
        """
        deadline_s = monotonic() + LONGEST_S
        while True:
            page = read_status(self.address, Policy().active_statuses, everything=True, limit=len(self.fleet))
            yield page.rows
            if all(row.status in TERMINAL_STATUSES for row in page.rows):
                return
            self._disturb(page.rows)
            failed = self._children.failed()
            if failed is not None:
                raise OmaPollerError(failed)
            if monotonic() > deadline_s:
                raise OmaPollerError(f"the demo took longer than {LONGEST_S:g} s; logs: {self.folder}/logs")
            sleep(_LOOK_S)

    def _start_vma(self) -> str:
        state = str(self.folder / "vma-state")
        self._children.start_own("vma", ["vma", "serve", "--listen", "127.0.0.1:0", "--state", state])
        log = self._children.log("vma")
        self._children.wait_until("vma", lambda: _SERVING in log.read_text(encoding="utf-8"))
        return log.read_text(encoding="utf-8").partition(_SERVING)[2].split()[0]

    def _start_copier(self, vm: DemoVm) -> None:
        plan = str(self._plan_of(vm))
        self._children.start_own(
            f"copier-{vm.name}", ["vma", "copy", "--plan", plan, "--rate", str(RATE_BPS), "--json"]
        )

    def _plan_of(self, vm: DemoVm) -> Path:
        return self.folder / f"{vm.name}.toml"

    def _disturb(self, rows: tuple[StatusRow, ...]) -> None:
        """Kill one copier in the middle of its copy, and start it again a little later."""
        victim = self.fleet[0]
        name = f"copier-{victim.name}"
        row = next(row for row in rows if row.job_id == victim.job_id)
        if self._killed_at_s is None and (row.percent_bp or 0) >= _KILL_AT_BP:
            self._children.end(name, signal.SIGKILL)
            self._killed_at_s = monotonic()
            self.story.append(f"the copier of {victim.name} was killed (kill -9) at 40 %")
        elif not self._restarted and monotonic() - (self._killed_at_s or monotonic()) >= _DEAD_FOR_S:
            self._start_copier(victim)
            self._restarted = True
            self.story.append(f"the copier of {victim.name} was started again, from the beginning")

    @property
    def command(self) -> str:
        """How a person calls this program here."""
        return sys.argv[0] if sys.argv[0].endswith("oma-poller") else f"{sys.executable} -m oma_poller"
