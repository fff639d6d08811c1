"""The command line: one thin module a command, none of which holds logic."""
