"""What `/metrics` tells: the program's counts as Prometheus' families. Imported by the first scrape."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from oma_poller import __version__
from oma_poller.engine.tally import Histogram
from oma_poller.model.observation import Observation
from oma_poller.model.reading import FailureKind
from oma_poller.web.job_metrics import job_families
from oma_poller.web.parts import ApiParts
from oma_poller.web.surroundings import vma_rows

PREFIX: Final = "oma_poller_"
_ERRORS = ("missing", *(kind.value for kind in FailureKind))
_RESULTS = ("ok", "partial", "pending", *_ERRORS)
_FIELDS = ("status", "phase")
# A series that appears only with its first event has no rate for that event: so all start at 0.


def registry_of(parts: ApiParts) -> CollectorRegistry:
    """Return what collects everything that is told."""
    registry = CollectorRegistry()
    registry.register(Counts(parts))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry, accepted: str) -> tuple[bytes, str]:
    """Return all counts as they are now, in the form that is *accepted*; and the type of that form."""
    encode, content_type = choose_encoder(accepted)
    return encode(registry), content_type


class Counts(Collector):
    """Makes the families anew for every scrape, from what the engine counted."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: what there is does not clash, since it is all made here."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield InfoMetricFamily(PREFIX + "build", "Version of the program.", {"version": __version__})
        yield from self._jobs()
        yield from self._polls()
        yield from self._database()
        yield from self._vmas()
        if self._parts.settings.metrics_per_job:
            yield from job_families(self._parts.fleet)

    def _jobs(self) -> Iterator[Metric]:
        watches = self._parts.poller.watches()
        seen = Counter(watch.decided.sighting.observation for watch in watches)
        yield _gauge("active_jobs", "Jobs that are watched.", len(watches))
        jobs = {observation.value: seen[observation] for observation in Observation}
        yield _gauges("jobs", "Jobs by how well they are seen.", "observation", jobs)

    def _polls(self) -> Iterator[Metric]:
        tally = self._parts.tally
        yield _counters("polls", "Finished polls by result.", "result", _from_zero(_RESULTS, tally.polls))
        errors = _from_zero(_ERRORS, tally.errors)
        yield _counters("errors", "Polls that failed, or of which a key did, by kind.", "kind", errors)
        yield _histogram(
            "poll_duration_seconds", "From the first request of a poll to its decision.", tally.poll_duration
        )
        yield _histogram(
            "schedule_lateness_seconds", "How late polls began after they were due.", tally.lateness
        )
        yield _gauge("in_flight_polls", "Polls under way.", self._parts.poller.in_flight)
        yield _gauge("max_in_flight_polls", "Most polls that may be under way.", self._parts.max_concurrent)
        words = _from_zero(_FIELDS, _by_field(tally.unknown_words.copy()))
        yield _counters("unknown_words", "Words of VMAs that the vocabulary lacks.", "field", words)
        yield _counter("regressions", "Times that bytes went back within a run.", tally.regressions)

    def _database(self) -> Iterator[Metric]:
        tally, beats = self._parts.tally, self._parts.beats
        yield _counter("db_rows_written", "Rows that the database has confirmed.", tally.rows_written)
        yield _counter("db_rows_refused", "Rows that the database did not take.", tally.rows_refused)
        yield _histogram(
            "db_flush_duration_seconds", "How long a flush took that was confirmed.", tally.flush_duration
        )
        yield _gauge("db_pending_rows", "Rows that wait to be written.", len(self._parts.mailbox))
        is_up = beats.has_answered and not beats.away
        yield _gauge("db_up", "Whether the database answers.", int(is_up))
        waits = int(self._parts.discovery.is_waiting)
        yield _gauge("waiting_for_rival", "Whether another poller is at work on the database.", waits)

    def _vmas(self) -> Iterator[Metric]:
        tally = self._parts.tally
        up = {vma.name: int(vma.up) for vma in vma_rows(self._parts) if vma.up is not None}
        yield _gauges("vma_up", "Whether a VMA can be reached, of each that jobs are watched of.", "vma", up)
        probe_s = tally.probe_s.copy()
        text = "How long the newest look at the health of a VMA took."
        yield _gauges("vma_probe_duration_seconds", text, "vma", probe_s)
        yield _counter("vma_probes", "Looks at the health of VMAs that could not be reached.", tally.probes)


def _from_zero(labels: Iterable[str], counts: Counter[str]) -> dict[str, int]:
    """Return counts with every label that is known beforehand."""
    return dict.fromkeys(labels, 0) | counts.copy()


def _by_field(words: Mapping[str, int]) -> Counter[str]:
    """Return counts of "field=word" by field: a word of a VMA is no label, it has no bound."""
    fields: Counter[str] = Counter()
    for word, count in words.items():
        fields[word.partition("=")[0]] += count
    return fields


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value)


def _counters(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, text, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    counts = tuple(histogram.counts)
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound_s, count in zip((*histogram.bounds_s, float("inf")), counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound_s == float("inf") else str(bound_s), total))
    return HistogramMetricFamily(PREFIX + name, text, buckets, sum_value=histogram.sum_s)
