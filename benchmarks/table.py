"""Rows of figures, beside their goals and yardsticks."""

import statistics
from collections.abc import Mapping, Sequence

from msgspec import Struct


class Row(Struct, frozen=True):
    """One figure, over its repeats."""

    what: str
    unit: str
    figures: Sequence[float] = ()
    goal: float | None = None
    """At most."""
    requests: int = 0
    """HTTP requests in what is measured, to set it beside the yardsticks of HTTP, which are of 1,000."""
    rows: int = 0
    """Rows written in it, likewise."""
    skipped: str = ""
    """Why there is no figure."""

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.figures)

    @property
    def verdict(self) -> str:
        """Whether the goal is reached."""
        if self.goal is None or not self.figures:
            return ""
        return "reached" if self.median <= self.goal else f"{self.median / self.goal:.2f} times the goal"


class Yardsticks(Struct, frozen=True):
    """Medians, in CPU ms per 1,000 requests or rows; None where one could not be run."""

    wrk: float | None
    curl: float | None
    update: float | None

    def ratios(self, row: Row) -> Mapping[str, str]:
        """Return how many times a row costs what the yardsticks do."""
        return {
            "x wrk": _ratio(row, self.wrk, row.requests),
            "x curl": _ratio(row, self.curl, row.requests),
            "x UPDATE": _ratio(row, self.update, row.rows),
        }


def _ratio(row: Row, yardstick: float | None, count: int) -> str:
    return f"{row.median * 1000 / (yardstick * count):.1f}" if yardstick and count and row.figures else ""


def as_markdown(rows: Sequence[Row], yardsticks: Yardsticks) -> str:
    """Return the table."""
    heads = ("what", "unit", "min", "median", "max", "goal", "", *yardsticks.ratios(Row("", "")))
    return aligned([heads, *(_cells(row, yardsticks) for row in rows)])


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return lines of cells, the heads first, as a table that can be read as it stands."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    told = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    told.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(told)


def _cells(row: Row, yardsticks: Yardsticks) -> tuple[str, ...]:
    if not row.figures:
        return row.what, row.unit, "", "", "", _number(row.goal), f"skipped: {row.skipped}", "", "", ""
    figures = (min(row.figures), row.median, max(row.figures), row.goal)
    return row.what, row.unit, *map(_number, figures), row.verdict, *yardsticks.ratios(row).values()


def _number(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:.2f}" if abs(number) < 10 else f"{number:.1f}"  # noqa: PLR2004 - digits enough
