"""When the headers of a VMA's replies are read: libcurl hands them over line by line, which is not cheap."""

EVERY_S = 1.0
"""What the headers of one reply say holds for those that are asked for within this time."""
LARGEST_SKEW_S = 2.0
"""With clocks further apart all headers are read: a date in `Retry-After` is by the VMA's clock."""


class HeaderWatch:
    """What the headers of one VMA said last. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.clock_skew_s = 0.0
        """Our wall clock minus the VMA's, by the last reply whose headers were read; 0 without a date."""
        self._read_at_s = float("-inf")

    def wants(self, now_s: float) -> bool:
        """Whether the headers of a reply to what is asked now are to be read."""
        return abs(self.clock_skew_s) > LARGEST_SKEW_S or now_s - self._read_at_s >= EVERY_S

    def read(self, clock_skew_s: float, now_s: float) -> None:
        """Note what the headers of a reply say."""
        self.clock_skew_s, self._read_at_s = clock_skew_s, now_s

    def doubt(self) -> None:
        """Have the next headers read: the VMA does not answer as it did."""
        self._read_at_s = float("-inf")
