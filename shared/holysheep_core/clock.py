"""The clock of drivers and threads. The rooms that decide are handed the time instead."""

from __future__ import annotations

import time

clock = time.monotonic
"""Seconds, from some moment on."""
