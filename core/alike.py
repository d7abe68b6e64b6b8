"""Names like one that somebody typed: the same in another case, those that begin so, those one slip away.

Pure, and quick enough for a million names. Not for words of a command or keys of a setting:
those are few, and `difflib` knows them better.
"""

from collections.abc import Iterable
from typing import NamedTuple

MOST = 20
# So many are counted, and the first of them taken: all tasks may begin with what was typed.
COUNTED = 1000
_LONGEST = 60
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_./ "


class Alike(NamedTuple):
    """Names in the order of the alphabet, at most `MOST` of each; letter case never matters.

    `same` differ in their case alone, `begins` begin with it (`more` than those, up to `COUNTED` in all),
    `near` have one letter too many, too few, another one, or two of them swapped.
    """

    same: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    more: int = 0

    @property
    def meant(self) -> tuple[str, ...]:
        """Those that it may stand for: the same before those that begin so."""
        return self.same or self.begins


NOTHING_ALIKE = Alike()


def alike(name: str, names: Iterable[str]) -> Alike:
    """Those of `names` that are like `name`, each once."""
    folded = name.casefold()
    if not folded:
        return NOTHING_ALIKE
    slips = _slips(folded)
    same: set[str] = set()
    begins: set[str] = set()
    near: set[str] = set()
    for other in names:
        plain = other.casefold()
        if plain.startswith(folded):
            if plain == folded:
                same.add(other)
            elif len(begins) < COUNTED:
                begins.add(other)
        elif plain in slips and len(near) < COUNTED:
            near.add(other)
    first = sorted(begins)
    return Alike(
        tuple(sorted(same)[:MOST]), tuple(first[:MOST]), tuple(sorted(near)[:MOST]), len(first[MOST:])
    )


def _slips(name: str) -> frozenset[str]:
    """Everything one slip away (Damerau 1964, Communications of the ACM 7, 171); of a long name nothing."""
    if len(name) > _LONGEST:
        return frozenset()
    parts = [(name[:i], name[i:]) for i in range(len(name) + 1)]
    found = {a + b[1:] for a, b in parts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in parts if len(b) > 1}
    found |= {a + letter + b[1:] for a, b in parts if b for letter in _LETTERS}
    found |= {a + letter + b for a, b in parts for letter in _LETTERS}
    return frozenset(found - {name, ""})
