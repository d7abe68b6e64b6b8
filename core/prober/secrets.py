"""Hides what looks like a secret in a command line. A monitor is looked at over shoulders.

Not a promise: it knows the common forms (`--token=…`, `--password …`, `API_KEY=…`, a URL with
a password, a header, keys with well-known beginnings), and rather hides too much.
"""

import re
from collections.abc import Sequence

_HIDDEN = "***"
_NAMES = (
    r"(?:token(?!s|iz)|secret|passw|passphrase|pwd|api[-_]?key|access[-_]?key|private[-_]?key"
    r"|auth(?!or(?!iz))|credential|cookie)"
)
_NAMED = re.compile(
    rf"(?i)([\w.-]*{_NAMES}[\w.-]*[\"']?\s*[=:]\s*)(?!//)((?:(?:bearer|basic|token)\s+)?[^\s&,;]+)"
)
_OPTION = re.compile(rf"(?i)^--?[\w-]*{_NAMES}[\w-]*$")
_URL = re.compile(r"(://[^/@\s:]*:)[^/@\s]+(?=@)")
_SHAPES = re.compile(
    r"\b(sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|hf|xox[abeprs]|AKIA|AIza)([-_A-Z0-9][\w-]{11,})"
)


def masked(words: Sequence[str]) -> str:
    """The command line of `words`, with the values that look secret replaced by three stars."""
    shown = []
    hide = False
    for word in words:
        if hide and not word.startswith("-"):
            shown.append(_HIDDEN)
            hide = False
            continue
        hide = _OPTION.match(word) is not None
        if not hide:
            word = _NAMED.sub(rf"\1{_HIDDEN}", word)
            word = _URL.sub(rf"\1{_HIDDEN}", word)
            word = _SHAPES.sub(rf"\1{_HIDDEN}", word)
        shown.append(word)
    return " ".join(shown)
