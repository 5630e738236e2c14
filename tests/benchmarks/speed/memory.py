"""How much memory this process has."""

import os
import resource
import sys
from pathlib import Path


def resident() -> int:
    """Return bytes of memory in use (elsewhere than on Linux, the most there have been)."""
    if sys.platform == "linux":  # where the maximum is inherited from the parent process
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
