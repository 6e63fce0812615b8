"""Traces: one transaction or sale followed through all services. Off unless `TIERFLOW_OTLP_ENDPOINT` is set."""
