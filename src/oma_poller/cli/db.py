"""`oma-poller db init` and `oma-poller db upgrade`: make and change tables."""

import typer

from oma_poller.cli.options import AsJson, ConfigFile, settings_for
from oma_poller.cli.printing import say, say_json


def init(context: typer.Context, config: ConfigFile = None, *, as_json: AsJson = False) -> int:
    """Make the OMA's own tables in an empty database: for trials and tests, not for an OMA that has them."""
    address = settings_for(context, config).database

    from oma_poller.database import oma_schema  # noqa: PLC0415 - heavy

    tables = oma_schema.init(address)
    if as_json:
        say_json({"database": address.redacted, "created": tables})
    else:
        say(f"{address.redacted}: made the tables {', '.join(tables)}")
    return 0


def upgrade(context: typer.Context, config: ConfigFile = None, *, as_json: AsJson = False) -> int:
    """Create the program's own tables (oma_poller_…), or bring them to this version; no other is touched."""
    address = settings_for(context, config).database

    from oma_poller.database.upgrade import upgrade as bring_up  # noqa: PLC0415 - heavy

    steps = bring_up(address)
    if as_json:
        say_json({"database": address.redacted, "done": steps})
        return 0
    for step in steps:
        say(f"{address.redacted}: {step}")
    if not steps:
        say(f"{address.redacted}: nothing to do")
    return 0
