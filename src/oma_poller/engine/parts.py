"""What a poller is made of."""

from msgspec import Struct

from oma_poller.clock import Clock
from oma_poller.core.mailbox import Mailbox
from oma_poller.engine.journal import Journal
from oma_poller.engine.ports import ProgressFetcher
from oma_poller.engine.recorder import Recorder
from oma_poller.engine.tally import Tally
from oma_poller.model.policy import Policy
from oma_poller.model.vma import VmaRule


class Parts(Struct, eq=False):
    """What a poller is made of."""

    fetcher: ProgressFetcher
    mailbox: Mailbox
    policy: Policy
    clock: Clock
    journal: Journal
    tally: Tally
    rules: tuple[VmaRule, ...] = ()
    max_concurrent: int = 10
    recorder: Recorder | None = None
    """What keeps the last polls of each job; None where nothing does."""
