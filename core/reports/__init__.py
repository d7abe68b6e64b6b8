"""Agents, tasks and the reasons for their figures as plain data: what the command line prints as text and JSON.

Everything in it was judged elsewhere; here it is arranged, and said. The keys are the documented ones
of docs/json.md. Not for the whole of `bluetop analyze`: that is `core.report`.
"""
