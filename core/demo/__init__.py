"""The demo: a small fleet that works in a workspace of its own, so that a screen moves for a true reason.

`simulation` decides what happens next (pure), `workspace` makes and removes the folder, `fleet` is
the process that does it, `workers` are the agents' own processes. Nothing else in the core knows
that it is looking at a demo: the files are of the standard form and read like any other.
"""
