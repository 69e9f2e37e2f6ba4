"""Lets `python -m striate` do what `striate` does."""

from striate.cli import main

main()
