"""What can be said of an agent from what was seen of its queue: rates, drain, task times, skills.

Pure: no I/O, no clock; numbers in, named tuples out. Not for the observations themselves (who saw
which change when), nor for what the queue files say now.
"""
