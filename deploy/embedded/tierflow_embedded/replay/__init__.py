"""Real data into a running Tierflow, over HTTP like any bank's system, and the proof that nothing was lost."""
