"""Everything that faces a person at a terminal: the command line and the dashboard."""
