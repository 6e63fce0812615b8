"""A place for customers' keys, for tests of one service: in life the events service's database has the table."""

from pathlib import Path

from sqlalchemy import MetaData, create_engine

from tierflow_shared.privacy.store import key_table


def empty_keys(folder: Path) -> str:
    """The URL of a new SQLite file with the table of the keys; one that is there stays."""
    url = f"sqlite:///{folder / 'customer-keys.db'}"
    metadata = MetaData()
    key_table(metadata)
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    return url
