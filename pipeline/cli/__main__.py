"""`python -m pipeline.cli` is `skycrane`."""

from pipeline.cli import main

# Worker processes of this one read this file as well, under another name.
if __name__ == "__main__":
    main()
