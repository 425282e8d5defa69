"""What is told of VMAs and of the database when they go and when they come back."""

import msgspec

from oma_poller.web.event_text import message
from oma_poller.web.parts import ApiParts
from oma_poller.web.surroundings import database_row, vma_rows


class News:
    """The newest message of each VMA and of the database, with the version at which it last changed."""

    def __init__(self, parts: ApiParts) -> None:
        self.version = 0
        self._parts = parts
        self._states: dict[str, object] = {}
        self._told: dict[str, tuple[int, bytes]] = {}

    def refresh(self) -> bool:
        """Look at all of them; return whether any went or came."""
        database = database_row(self._parts)
        waiting = self._parts.discovery.is_waiting
        fields = {"database": database, "waiting": waiting}
        changed = self._take("service", (database.up, database.detail, waiting), "service", fields)
        for vma in vma_rows(self._parts):
            changed |= self._take(f"vma {vma.name}", (vma.up, vma.detail), "vma", vma)
        return changed

    def since(self, version: int) -> bytes:
        """Return the messages that are newer than *version*, which is 0 for all of them."""
        return b"".join(text for told_at, text in self._told.values() if told_at > version)

    def _take(self, name: str, state: object, event: str, fields: object) -> bool:
        if name in self._states and self._states[name] == state:
            return False
        self._states[name] = state
        self.version += 1
        self._told[name] = (self.version, message(event, msgspec.json.encode(fields)))
        return True
