"""What a VMA's bulk replies have told so far, for the keys that somebody asks for."""

from collections.abc import Iterable
from itertools import chain
from typing import TypeGuard

from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest, Said
from oma_poller.engine.ports import TierRequest
from oma_poller.model.reading import Missing, Outcome, Reading, State
from oma_poller.vma.entry import WireEntry
from oma_poller.vma.gathering import Single
from oma_poller.vma.moving import NOWHERE, Moving
from oma_poller.vma.page import Page, Told
from oma_poller.vma.vocabulary import canonical
from oma_poller.vma.wire import read

KEEP_S = 300.0
"""A key that nobody asked for in this time is dropped, at the latest after as long again."""
OFFERED_LIMIT = 10_000
"""Keys kept although nobody asked for them yet: those of a whole list, whose turn may still come."""
_MISSING = Missing()
_ENDS = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})


class Mirror:
    """The entries as they were at `cursor`. No I/O; belongs to one thread.

    A key is *followed* from the moment it is first asked for: every later page that names it counts. Of any
    other key nothing is known, not even that it is missing, so it has to be asked for singly. Two dicts
    hold the followed keys, those asked for lately and older ones, which are dropped at the next turn; so a
    key costs a place in a dict and what was told of it last. An entry is read when somebody asks, once.

    Of keys that a cohort asks for only numbers are kept: in the dicts stands their seat among these.
    """

    def __init__(self) -> None:
        self.cursor: str | None = None
        """Where the next page begins; None before the first."""
        self._clock_skew_s = 0.0
        self._moving = Moving()
        self._recent: dict[str, Told | int] = {}
        self._older: dict[str, Told | int] = {}
        self._single: dict[str, TierRequest] = {}
        """Keys that are asked for singly, and for which request."""
        self._listing = False
        self._turned_s = 0.0

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def follows(self, key: str) -> bool:
        """Whether what is true of a key at `cursor` is known."""
        return key in self._recent or key in self._older

    def expect(self, keys: Iterable[str]) -> None:
        """Follow keys before a whole list is asked for: they are missing unless it names them."""
        self._recent.update({key: _MISSING for key in keys if not self.follows(key)})

    def follow(self, request: TierRequest) -> None:
        """Follow the keys of a request that go singly from now on; `adopt` takes the replies."""
        self._single.update({key: request for key in request.keys if not self.follows(key)})

    def adopt(self, single: Single, outcome: Outcome) -> None:
        """Take what a key brought that went singly, if `follow` named it and no page did since.

        What changed on the VMA after `follow` comes with a later page, whether this reply shows it or not.
        """
        key = single.key
        if self._single.get(key) is not single.request:
            return
        del self._single[key]
        if isinstance(outcome, Reading):
            self._recent[key] = outcome
        elif isinstance(outcome, Missing):
            self._recent[key] = _MISSING

    def take(self, page: Page, clock_skew_s: float, now_s: float) -> None:
        """Move on to the page's cursor."""
        self.cursor = page.cursor
        self._clock_skew_s = clock_skew_s
        if page.full:
            self._begin_list(now_s)
        recent, older = self._recent, self._older
        for key, told in chain(page.told, ((key, _MISSING) for key in page.deleted)):
            last = recent.get(key)
            if last is not None:
                if type(last) is int and self._only_moved(last, key, told):
                    continue
                recent[key] = told
                if isinstance(told, WireEntry):
                    told.slim()
            elif key in older:
                self._forget(older[key])
                older[key] = told
            elif self._is_offer(told, key):
                older[key] = read(told, key, clock_skew_s=clock_skew_s)  # at once: a Reading is half as large
            elif key in self._single:
                del self._single[key]
                recent[key] = told
        self._listing &= not page.complete

    def outcome(self, key: str) -> Outcome:
        """Return what is true of a followed key.

        As long as nothing changes it is the same object, but where a cohort asks for the key too.
        """
        told = self._known(key)
        if isinstance(told, int):
            return self._moving.reading(told, self._clock_skew_s)
        if isinstance(told, WireEntry):
            told = self._recent[key] = read(told, key, clock_skew_s=self._clock_skew_s)
        return told

    def numbers(self, request: CohortRequest, duration_s: float) -> CohortAnswer:
        """Return how far the keys of a cohort are; they have seats from now on, where they only go on."""
        recent, seated, columns = self._recent, self._moving.said, self._moving.columns
        seats: list[int] = []
        for key, said in zip(request.keys, request.said, strict=True):
            seat = recent.get(key)
            if type(seat) is not int or seated[seat] is not said:
                seat = self._seat(key, said)
            seats.append(seat)
        return CohortAnswer(
            request,
            duration_s,
            [columns.bytes_transferred[seat] for seat in seats],
            [columns.total_bytes[seat] for seat in seats],
            [columns.percent[seat] for seat in seats],
        )

    def turn(self, now_s: float) -> None:
        """Drop what nobody asked for in a long time."""
        if now_s - self._turned_s >= KEEP_S:
            for told in self._older.values():
                self._forget(told)
            self._recent, self._older = {}, self._recent
            self._turned_s = now_s

    def _known(self, key: str) -> Told | int:
        """Return what is held of a followed key, which counts as asked for now."""
        told = self._recent.get(key)
        if told is None:
            told = self._recent[key] = self._older.pop(key)
        return told

    def _seat(self, key: str, said: Said) -> int:
        """Give a key a seat, if its newest entry says what it *said*; return the seat or `NOWHERE`."""
        if not self.follows(key):
            return NOWHERE
        told = self._known(key)
        if isinstance(told, int):
            return self._moving.reseat(told, said)
        newest = self.outcome(key)
        seat = self._moving.seat(said, newest) if isinstance(newest, Reading) else NOWHERE
        if seat != NOWHERE:
            self._recent[key] = seat
        return seat

    def _only_moved(self, seat: int, key: str, told: Told) -> bool:
        """Take what came for a key with a seat; return whether it keeps it."""
        if isinstance(told, WireEntry) and self._moving.take(seat, key, told):
            return True
        self._moving.leave(seat)
        return False

    def _forget(self, told: Told | int) -> None:
        """Take back the seat of a key, where it has one."""
        if isinstance(told, int):
            self._moving.leave(told)

    def _begin_list(self, now_s: float) -> None:
        """Forget every value, but not which keys are followed. Single replies under way may be older."""
        self._recent = dict.fromkeys(self._recent, _MISSING)
        self._older = dict.fromkeys(self._older, _MISSING)
        self._moving = Moving()
        self._single.clear()
        self._listing = True
        self._turned_s = now_s

    def _is_offer(self, told: Told, key: str) -> TypeGuard[WireEntry]:
        """Whether an entry of a whole list is kept although nobody asked for it.

        VMAs keep entries of runs that ended for ever; those are not worth the memory.
        """
        if not self._listing or key in self._single or len(self._older) >= OFFERED_LIMIT:
            return False
        return isinstance(told, WireEntry) and canonical(told.status or "") not in _ENDS
