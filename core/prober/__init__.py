"""The prober: a helper process for everything that can hang in the kernel.

A queue file on a dead network mount, `statvfs` of that mount, `/proc/PID/*` of a process in
trouble: each can block for ever, a thread blocked there holds the exit of its process, and
bluetop is opened *because* something is sick. So these are asked by a process of their own,
one unit after another, and the owner kills it when a unit does not come back.

    wire.py       frames on the two pipes, and the shared page with the heart beat
    spawn.py      starting a helper without a shell, a thread or the subprocess module
    main.py       the helper's loop
    ops.py        what it can be asked: queues, tasks, record, mounts, processes, ping, forget
    mounts.py     the mount table, and the space of one mount
    processes.py  the scan of processes
    portable.py   mounts and processes through psutil, where there is no /proc
    client.py     the owner's side: send, receive, notice death
    guard.py      what to leave alone after a hang, and for how long
    canary.py     one throw-away process that tries a path that hung

What the helper imports is held small: no asyncio, subprocess, dataclasses, pathlib, socket,
nor msgspec and psutil unless an operation needs them.
"""
