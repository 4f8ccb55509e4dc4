"""`python -m pellucid`: the command line."""

from pellucid.cli import main

main()
