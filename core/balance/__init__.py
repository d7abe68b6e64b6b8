"""Rebalancing: which tasks should change hands, and carrying that out without ever losing one.

`facts` reads a workspace's queue files strictly and gives each task its hours, `problem` what a planner
needs of them, `planner` the plan; `apply`, `undo` and `recover` carry plans out. Planning is pure; only the
executor writes, and only through `core.control`.
"""
