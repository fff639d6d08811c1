"""The benchmark of docs/results.md: ours beside what a user would pick instead, measured and written by one command."""
