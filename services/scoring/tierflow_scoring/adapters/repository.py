"""State of the partitions in SQL: the repository that the handlers work with."""

from tierflow_scoring.adapters.buckets import BucketStore
from tierflow_scoring.adapters.closings import ClosingStore
from tierflow_scoring.adapters.segments import SegmentStore


class SqlRepository(BucketStore, SegmentStore, ClosingStore):
    """`ports.Repository` over SQLAlchemy Core, inside one connection's transaction."""
