"""What is drawn, as plain data: lines of spans. No Textual, no Rich, no terminal in here.

The first frame (before Textual is imported), the panes, the text twin and the tests all use
these functions, so they cannot show different things.
"""
