"""What the API is made of, and how it was configured."""

from datetime import datetime
from threading import Event

from msgspec import Struct, field

from oma_poller.clock import Clock
from oma_poller.core.mailbox import Mailbox
from oma_poller.engine.beats import Beats
from oma_poller.engine.controls import Controls
from oma_poller.engine.discovery import Discovery
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.tally import Tally
from oma_poller.web.fleet import Fleet
from oma_poller.web.ports import Records
from oma_poller.web.settings import ApiSettings


class VmaPlace(Struct, frozen=True):
    """A VMA as it may be shown."""

    name: str
    url: str
    """Without user and password."""


class ApiParts(Struct, eq=False):
    """The running program as the API sees it. What belongs to the engine is only read, but for `controls`."""

    settings: ApiSettings
    poller: VMAProgressPoller
    mailbox: Mailbox
    tally: Tally
    beats: Beats
    discovery: Discovery
    clock: Clock
    fleet: Fleet
    controls: Controls
    records: Records
    vmas: tuple[VmaPlace, ...]
    started_at: datetime
    max_concurrent: int
    ending: Event = field(default_factory=Event)
    """Set once the program ends: replies that have no end of their own end then."""
