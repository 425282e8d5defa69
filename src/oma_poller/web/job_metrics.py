"""Series of single jobs, only where they are asked for: they go when the job does."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from oma_poller.web.fleet import Fleet

_LABELS = ("job_id", "name", "vma")
_FIELDS = {
    "percent": ("job_progress_ratio", "Part of the job's bytes that is copied, 0 to 1.", 100),
    "bytes_transferred": ("job_transferred_bytes", "Bytes of the job that are copied.", 1),
    "total_bytes": ("job_total_bytes", "Bytes of the job in all.", 1),
    "speed_bps": ("job_speed_bytes_per_second", "Measured speed of the copy.", 1),
    "eta_seconds": ("job_eta_seconds", "Seconds until the copy is over.", 1),
    "consecutive_errors": ("job_consecutive_errors", "Failed polls in a row.", 1),
}


def job_families(fleet: Fleet) -> Iterator[Metric]:
    """Yield a family a number; a job has no series of a number that is not known."""
    rows = fleet.rows()
    for field, (name, text, divisor) in _FIELDS.items():
        family = GaugeMetricFamily(f"oma_poller_{name}", text, labels=_LABELS)
        for row in rows:
            value = getattr(row, field)
            if value is not None:
                family.add_metric([row.job_id, row.name, row.vma], value / divisor)
        yield family
    seen = GaugeMetricFamily(
        "oma_poller_job_observation", "1 for how the job is seen.", labels=(*_LABELS, "observation")
    )
    for row in rows:
        seen.add_metric([row.job_id, row.name, row.vma, row.observation], 1)
    yield seen
