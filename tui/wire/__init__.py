"""The wire: everything between what a screen shows and the bytes that reach the terminal.

    colors.py      colours and how they are lowered for a poorer terminal
    sgr.py         looks → SGR parameters; what a terminal can show; the palette of roles
    cells.py       text → cells: wide characters, combining marks, no control code
    buffer.py      what is on the screen; the least bytes that make it another picture
    terminal.py    the device: its termios, its modes, writing without ever blocking
    firstframe.py  a picture before Textual is imported
    driver.py      Textual's driver on the event loop, without threads
    app.py         Textual's app, drawing through the buffer; the fast path past its compositor
    lines.py       the widget that shows lines of spans
    imports.py     importing Textual cheaply
    private.py     what of Textual's inside we rely on, held by a test

Not for deciding what is shown: that is `tui.view`, `tui.panes` and `tui.screens`. Modules up to
`firstframe.py` import neither Textual, rich nor asyncio, so that the first frame can be early.
"""
