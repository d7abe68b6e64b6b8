"""Copying to the operator's own clipboard, over SSH and through tmux, by OSC 52."""

import base64
import os

LIMIT_BYTES = 74_994  # what terminals take in one OSC 52 before they drop all of it


def osc52(text: str, environ: dict[str, str]) -> str | None:
    """The sequence that copies `text`, wrapped for tmux or screen; None if it is too long for one."""
    encoded = base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")
    if len(encoded) > LIMIT_BYTES:
        return None
    plain = f"\x1b]52;c;{encoded}\x07"
    if environ.get("TMUX"):
        return plain + f"\x1bPtmux;{plain.replace(chr(27), chr(27) * 2)}\x1b\\"
    if environ.get("TERM", "").startswith("screen"):
        return f"\x1bP{plain}\x1b\\"
    return plain


def spill(text: str, folder: str) -> str:
    """Write `text` to a new private file in bluetop's own state folder; returns its path.

    Raises:
        OSError: the folder cannot be made or written.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, "clipboard.json")
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(number, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    return path
