"""A tiny random generator with a seed: the same fleet for the same seed on every Python.

Not `random`: importing it costs the fleet half a megabyte of memory, which every demo would show.
Not for anything that needs good randomness, and never for secrets.
"""

_MASK = (1 << 64) - 1


class Rng:
    """SplitMix64 (Steele, Lea and Flood 2014)."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def bits(self) -> int:
        """The next 64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def ratio(self) -> float:
        """A number from 0 up to, but not, 1."""
        return (self.bits() >> 11) / (1 << 53)

    def chance(self, ratio: float) -> bool:
        """True with this probability."""
        return self.ratio() < ratio

    def between(self, low: float, high: float) -> float:
        """A number between the two, evenly spread."""
        return low + (high - low) * self.ratio()

    def pick(self, choices: tuple[str, ...]) -> str:
        """One of them, each as likely."""
        return choices[self.bits() % len(choices)]

    def index(self, weights: tuple[int, ...]) -> int:
        """A position, as likely as the weight there says."""
        at = self.bits() % sum(weights)
        position = 0
        while at >= weights[position]:
            at -= weights[position]
            position += 1
        return position
