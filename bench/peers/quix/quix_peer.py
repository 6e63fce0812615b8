"""The keyed sum on Quix Streams, exactly once. Runs in its own environment; see requirements.txt."""

import argparse
import json
import threading
import time

from quixstreams import Application

POSTED = b"bank.transaction.posted.v1"
taken = 0


def report() -> None:
    """Says how many events were taken, ten times a second while that grows."""
    said = -1
    while True:
        if taken != said:
            said = taken
            print(json.dumps({"taken": said}, separators=(",", ":")), flush=True)
        time.sleep(0.1)


def main() -> None:
    """Runs until it is told to end."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "group", "input", "output", "state", "thresholds"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    thresholds = [int(text) for text in options.thresholds.split(",")]
    app = Application(
        broker_address=options.bootstrap,
        consumer_group=options.group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        # As often as Flink's checkpoints; the default of 5 s would only lengthen the wait for the last commit.
        commit_interval=1.0,
        state_dir=options.state,
        loglevel="WARNING",
    )

    def add(posting, _key, _timestamp, headers, state):  # type: ignore[no-untyped-def]
        global taken  # noqa: PLW0603
        if dict(headers).get("ce_type") != POSTED:
            raise ValueError(f"not a {POSTED.decode()}")
        whole, _, cents = posting["amount"]["value"].partition(".")
        minor = int(whole) * 100 + int(cents.ljust(2, "0"))
        total, count = state.get("sum", (0, 0))
        total += minor if posting["direction"] == "credit" else -minor
        count += 1
        state.set("sum", (total, count))
        taken += 1
        tier = sum(total >= threshold for threshold in thresholds)
        return {"customer_id": posting["customer_id"], "sum_minor": total, "count": count, "tier": tier}

    source = app.topic(options.input, value_deserializer="json")
    standings = app.dataframe(source).apply(add, stateful=True, metadata=True)
    standings.to_topic(app.topic(options.output, value_serializer="json"))
    threading.Thread(target=report, name="progress", daemon=True).start()
    app.run()


if __name__ == "__main__":
    main()
