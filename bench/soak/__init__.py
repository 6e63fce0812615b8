"""`make soak`: the production shape under a steady load, in a consumer outage and with a full outbox."""
