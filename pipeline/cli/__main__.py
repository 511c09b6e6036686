"""`python -m pipeline.cli` is `skycrane`."""

from pipeline.cli import main

main()
