"""How each agent has done, kept in `.metrics/` of a workspace where other tools look for it.

    .metrics/agents/<AGENT>_metrics.json              one per agent: `model` says what is in it
    .metrics/reports/performance_report_<STAMP>.json  every report that was saved (STAMP is UTC)
    .metrics/reports/latest_performance_report.json   the newest of them
    .metrics/.bluetop.lock                            held by the one bluetop that writes

`seen` reads a queue file; `owners` says whose a task is that several agents have; `merge` brings a
metrics file up to date; `measures` has the formulas; `store` opens, locks and replaces files;
`session` does all that touches `.metrics/` in a process of its own, and `collect` leads it;
`track` records a start and an end by hand; `report` and `export` arrange what was found.

The layout is a superset of the one that was there before. Its readers build records from the exact
keys of an entry of `metrics`, so nothing is ever added there: what is new about a task stands in
`bluetop.tasks`, and what is new about an agent at the end of `summary`.

Not for live figures (`core.evaluator`) nor for who changed when (`core.record`).
"""
