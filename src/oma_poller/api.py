"""The API of the running program: its parts put together, and the server they are behind."""

from typing import TYPE_CHECKING

from oma_poller.config import Settings
from oma_poller.engine.service import Machinery

if TYPE_CHECKING:
    from oma_poller.web.server import ApiServer


def api_server(settings: Settings, machinery: Machinery) -> "ApiServer | None":
    """Return the server of the API, not yet started; None where there is to be none."""
    controls = machinery.controls
    if settings.api.listen is None or controls is None:
        return None

    from oma_poller.api_records import SettingsRecords  # noqa: PLC0415 - nothing of it is loaded without an API
    from oma_poller.web.app import api_app  # noqa: PLC0415 - as above
    from oma_poller.web.fleet import Fleet  # noqa: PLC0415 - as above
    from oma_poller.web.parts import ApiParts, VmaPlace  # noqa: PLC0415 - as above
    from oma_poller.web.server import ApiServer  # noqa: PLC0415 - as above

    parts = ApiParts(
        settings=settings.api,
        poller=machinery.poller,
        mailbox=machinery.mailbox,
        tally=machinery.tally,
        beats=machinery.beats,
        discovery=machinery.discovery,
        clock=machinery.clock,
        fleet=Fleet(machinery.poller, machinery.mailbox, machinery.clock),
        controls=controls,
        records=SettingsRecords(settings),
        vmas=tuple(VmaPlace(target.name, target.url) for target in settings.targets),
        started_at=machinery.clock.utc(),
        max_concurrent=settings.max_concurrent,
    )
    return ApiServer(settings.api, lambda: api_app(parts), parts.ending)
