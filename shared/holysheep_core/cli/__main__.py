"""`python -m holysheep_core.cli`."""

from holysheep_core.cli import main

main()
