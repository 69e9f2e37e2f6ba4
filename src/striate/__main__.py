"""Run the command line with `python -m striate`."""

from striate.cli import main

main()
