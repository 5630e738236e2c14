"""Who watches calls: logs, totals, traces, the event log."""
