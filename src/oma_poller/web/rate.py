"""How often one address may ask: a bucket of tokens for each, a bounded number of them."""

from collections import OrderedDict
from math import ceil
from time import monotonic
from typing import ClassVar

from msgspec import Struct


class _Bucket(Struct):
    tokens: float
    filled_at_s: float


class Rates:
    """A bucket an address: it holds a burst, and fills at a steady rate."""

    A_SECOND: ClassVar[int] = 50
    BURST: ClassVar[int] = 300
    MOST_ADDRESSES: ClassVar[int] = 10_000
    """Of more than these the one that asked longest ago is forgotten: it has its burst again."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, address: str) -> int | None:
        """Count a request of an address; return how many seconds it has to wait, None where it may go on."""
        now_s = monotonic()
        bucket = self._buckets.pop(address, None) or _Bucket(self.BURST, now_s)
        self._buckets[address] = bucket
        if len(self._buckets) > self.MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        grown = bucket.tokens + (now_s - bucket.filled_at_s) * self.A_SECOND
        bucket.tokens, bucket.filled_at_s = min(self.BURST, grown), now_s
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        return max(1, ceil((1 - bucket.tokens) / self.A_SECOND))
