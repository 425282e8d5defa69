"""Progress entries whose bytes are the moment at which they were told.

`bytes_transferred` is 10^12 plus the microseconds within the million seconds that the moment lies in. So a
disk of 2 TiB grows by 1 MB a second, all entries are of one length, and a row tells how old it is.
"""

VOLUME = "c290646c-41ba-4d50-a31f-{:012d}"
EXPORT = "migration-vol-"
BYTES_A_SECOND = 10**6
BASE_BYTES = 10**12
SPAN_S = 10**6
TOTAL_BYTES = 2 * 2**40
KEY_MARK, MOVED_MARK, PERCENT_MARK = "KEY", "MOVED", "PERCENT"
"""Stand in an entry where the key, the bytes and the percentage go."""


def volume_id(number: int) -> str:
    """Return the id of a volume."""
    return VOLUME.format(number)


def entry(started_at: str) -> str:
    """Return an entry of shape C with its marks; `started_at` is as on the wire."""
    return (
        f'{{"job_id":"{KEY_MARK}","status":"in_progress","sync_type":"full","phase":"Transfer",'
        f'"percentage":{PERCENT_MARK},"current_operation":"Transferring Data",'
        f'"bytes_transferred":{MOVED_MARK},"total_bytes":{TOTAL_BYTES},'
        '"throughput":{"current_mbps":0.95,"average_mbps":0.95,"peak_mbps":0.95,'
        f'"last_update":"{started_at}"}},"timing":{{"start_time":"{started_at}","last_update":"{started_at}",'
        f'"elapsed_ms":63,"phase_start":"{started_at}","phase_elapsed_ms":63,"eta_seconds":1001}},'
        '"vm_info":{"name":"unknown","path":"unknown","disk_size_gb":2048,'
        f'"disk_size_bytes":{TOTAL_BYTES},"cbt_enabled":true}},"phases":[{{"name":"Transfer",'
        f'"status":"in_progress","start_time":"{started_at}","end_time":"","duration_ms":63}}],'
        '"errors":[],"last_error":null}'
    )


def moved_bytes(epoch_s: float) -> int:
    """Return what an entry of this moment shows, to the millisecond."""
    return BASE_BYTES + int(epoch_s % SPAN_S * 1000) * BYTES_A_SECOND // 1000


def age_s(mean_bytes: float, epoch_s: float) -> float:
    """Return how long before a moment the entries were told whose mean of bytes this is."""
    return (epoch_s - (mean_bytes - BASE_BYTES) / BYTES_A_SECOND) % SPAN_S


def percent(moved: int) -> str:
    """Return the percentage, five characters long."""
    return f"{100 * moved / TOTAL_BYTES:05.2f}"
