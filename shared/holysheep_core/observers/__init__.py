"""Observers of calls: logs, totals, traces, the event log."""
