"""How much one transaction takes: what is there at low load, up to a second of work when messages wait."""

from typing import Final

_LEAST: Final = 1_000
_SMALL_PART: Final = 5  # a batch below a fifth of the limit is small


class AdaptiveBatchSize:
    """A limit that doubles with every full batch until one takes as long as it may, and falls again with the load."""

    def __init__(self, most: int, transaction_s: float) -> None:
        assert most >= 1
        assert transaction_s > 0
        self._least, self._most, self._transaction_s = min(_LEAST, most), most, transaction_s
        self.limit = self._least

    def is_full(self, records: int) -> bool:
        """Whether more is waiting, most likely."""
        return records >= self.limit

    def is_small(self, records: int) -> bool:
        """Whether waiting a moment for more is worth it."""
        return records < self.limit // _SMALL_PART

    def committed(self, records: int, seconds: float) -> None:
        """Learns from a transaction."""
        if self.is_full(records):
            affordable = int(records / max(seconds, 1e-6) * self._transaction_s)
            self.limit = max(self._least, min(2 * self.limit, affordable, self._most))
        elif self.is_small(records):
            self.limit = max(self._least, self.limit // 2)
