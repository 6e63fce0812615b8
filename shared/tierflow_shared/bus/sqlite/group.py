"""Consumer groups in the log file: members with heartbeats, leases with epochs."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tierflow_shared.bus.port import Assignment, TopicPartition


class Turn(NamedTuple):
    """What one look at the group changed for a member."""

    held: Mapping[TopicPartition, int]
    taken: Sequence[Assignment]
    surplus: Sequence[TopicPartition]


def take_turn(
    connection: sqlite3.Connection,
    group: str,
    member: str,
    partitions: Sequence[TopicPartition],
    now_ms: int,
    lease_ms: int,
) -> Turn:
    """Renews the member's leases, takes free partitions up to its fair share, and names what it should give back.

    Every take raises the partition's epoch. Sharing is fair when each member holds at most
    ceil(partitions / members); a partition moves only when it must. A lease or a heartbeat from the future is from
    before the clock was set back, and ends: its owner renews it if there is one.
    """
    share = -(-len(partitions) // _live_members(connection, group, member, now_ms, lease_ms))
    held: dict[TopicPartition, int] = {}
    free: list[TopicPartition] = []
    for topic_partition in partitions:
        row = connection.execute(
            "SELECT member, epoch, expires_ms FROM lease WHERE consumer_group = ? AND topic = ? AND partition = ?",
            (group, *topic_partition),
        ).fetchone()
        if row is not None and row[0] == member:
            held[topic_partition] = row[1]
        elif row is None or not row[0] or not now_ms < row[2] <= now_ms + 2 * lease_ms:
            free.append(topic_partition)
    taken = [
        Assignment(topic_partition, _take(connection, group, member, topic_partition))
        for topic_partition in free[: max(0, share - len(held))]
    ]
    held.update(taken)
    connection.execute(
        "UPDATE lease SET expires_ms = ? WHERE consumer_group = ? AND member = ?",
        (now_ms + lease_ms, group, member),
    )
    return Turn(held, taken, sorted(held)[share:])


def _live_members(connection: sqlite3.Connection, group: str, member: str, now_ms: int, lease_ms: int) -> int:
    connection.execute("INSERT OR REPLACE INTO member VALUES (?, ?, ?)", (group, member, now_ms))
    connection.execute(
        "DELETE FROM member WHERE consumer_group = ? AND NOT heartbeat_ms BETWEEN ? AND ?",
        (group, now_ms - lease_ms + 1, now_ms + lease_ms),
    )
    count: int = connection.execute("SELECT count(*) FROM member WHERE consumer_group = ?", (group,)).fetchone()[0]
    return count


def _take(connection: sqlite3.Connection, group: str, member: str, topic_partition: TopicPartition) -> int:
    row = connection.execute(
        """INSERT INTO lease VALUES (?, ?, ?, ?, 1, 0)
           ON CONFLICT DO UPDATE SET member = excluded.member, epoch = epoch + 1 RETURNING epoch""",
        (group, *topic_partition, member),
    ).fetchone()
    epoch: int = row[0]
    return epoch


def give_back(connection: sqlite3.Connection, group: str, member: str, partitions: Sequence[TopicPartition]) -> None:
    """Frees leases that the member still holds."""
    connection.executemany(
        """UPDATE lease SET member = '' WHERE consumer_group = ? AND topic = ? AND partition = ? AND member = ?""",
        [(group, *topic_partition, member) for topic_partition in partitions],
    )


def leave(connection: sqlite3.Connection, group: str, member: str) -> None:
    """Frees all leases of the member and takes it out of the group."""
    connection.execute("UPDATE lease SET member = '' WHERE consumer_group = ? AND member = ?", (group, member))
    connection.execute("DELETE FROM member WHERE consumer_group = ? AND member = ?", (group, member))
