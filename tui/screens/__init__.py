"""The screens: which panes stand where, and what the keys do there."""
