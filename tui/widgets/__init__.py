"""Widgets that know nothing of agents or metrics: they put lines and tables on the screen."""
