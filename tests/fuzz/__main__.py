"""Lets atheris look for bytes that break a promise: `python tests/fuzz sse --seconds 60`.

It starts from the corpus in this folder. What it finds new is kept in memory only, unless
`--keep` adds it to the corpus, minimised to what reaches code that nothing before it reached.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
MOST_BYTES = 512  # longer inputs find nothing that shorter ones don't, and fill the repository


def fuzz(name: str, arguments: list[str]) -> None:
    """Run libFuzzer over one target, in this process, which it ends."""
    with atheris.instrument_imports(include=["holysheep_core"], enable_loader_override=False):
        from targets import TARGETS
    again = f"{sys.executable} {HERE} {name} --libfuzzer"  # what a merge starts, in a shell
    atheris.Setup([again, *arguments], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="0: another one at every run")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--libfuzzer", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    if given.libfuzzer is not None:
        fuzz(given.target, given.libfuzzer)
        return 0
    corpus = HERE / "corpus" / given.target

    def run(*arguments: object) -> int:
        command = [sys.executable, str(HERE), given.target, "--libfuzzer", *map(str, arguments)]
        return subprocess.run(command, check=False).returncode

    with tempfile.TemporaryDirectory() as found:
        limits = (f"-max_len={MOST_BYTES}", "-rss_limit_mb=2048", "-timeout=10")
        code = run(
            *limits,
            f"-max_total_time={given.seconds}",
            f"-seed={given.seed}",
            "-print_final_stats=1",
            "-verbosity=0",  # one line for each new input else
            f"-artifact_prefix={given.target}-",
            found,
            corpus,
        )
        if given.keep and code == 0:
            # By lines reached alone; counting how often they are, every input is a new one.
            code = run(*limits, "-use_counters=0", "-merge=1", corpus, found)
        return code


if __name__ == "__main__":
    sys.exit(main())
