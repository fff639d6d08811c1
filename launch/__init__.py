"""Launchers of `mrsr train` on many hosts: each renders, or runs, the same command; `python -m launch.NAME --help`."""
