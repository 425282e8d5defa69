"""The findings of `oma-poller check` for a person: a grid on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from oma_poller.cli.finding import Finding, Mark
from oma_poller.cli.printing import say
from oma_poller.logs import one_line

_STYLES = {Mark.OK: "green", Mark.HINT: "yellow", Mark.WRONG: "bold red"}


def show_findings(findings: Sequence[Finding]) -> None:
    """Print all findings and, last, whether it would work."""
    if sys.stdout.isatty():
        _show_grid(findings)
    else:
        for finding in findings:
            say(f"{finding.mark.value:<5}  {finding.area:<13}  {one_line(finding.text)}")
    say(_verdict(findings))


def _show_grid(findings: Sequence[Finding]) -> None:
    grid = Table.grid(padding=(0, 2))
    area = ""
    for finding in findings:
        grid.add_row(
            Text(finding.mark.value, style=_STYLES[finding.mark]),
            Text(finding.area if finding.area != area else "", style="bold"),
            Text(one_line(finding.text), overflow="fold"),
        )
        area = finding.area
    Console().print(grid)


def _verdict(findings: Sequence[Finding]) -> str:
    wrong = sum(finding.mark is Mark.WRONG for finding in findings)
    hints = sum(finding.mark is Mark.HINT for finding in findings)
    if wrong:
        return f"{wrong} thing{'s are' if wrong > 1 else ' is'} wrong"
    return f"it would work{f', with {hints} hint' if hints else ''}{'s' if hints > 1 else ''}"
