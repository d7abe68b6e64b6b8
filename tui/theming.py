"""themes/*.toml and the operator's own → looks for every role, and a Textual theme for its widgets.

Used before Textual is imported (the first frame), so nothing of Textual is imported up here.
"""

import os
from typing import Any, NamedTuple

import themes
from core.errors import ConfigError
from core.text import clean, clean_line
from tui import defaulttheme
from tui.view.spans import ROLES
from tui.wire.sgr import Color, Look, Palette

_ANSI = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
# Not importlib.resources: it costs 15 ms before the first frame, and we never run from a zip file.
_SHIPPED = os.path.dirname(os.path.abspath(themes.__file__))
_FLAGS = ("bold", "dim", "italic", "underline", "reverse")
DEFAULT = "dusk"
NO_COLOR_THEME = "mono"


class Theme(NamedTuple):
    """One theme as read: its name, label, and the look of every role."""

    name: str
    label: str
    dark: bool
    base: Look
    accent: Color
    looks: dict[str, Look]

    def palette(self, system: str) -> Palette:
        """The looks, ready for a terminal of this colour system."""
        return Palette(self.looks, system)


def names(config_dir: str | None = None) -> list[str]:
    """All themes, the house's first and then the operator's own, by name."""
    house = [DEFAULT, "dawn", "contrast", "clear", "ansi", "mono"]
    shipped = {name[:-5] for name in os.listdir(_SHIPPED) if name.endswith(".toml")}
    own: set[str] = set()
    folder = _own_folder(config_dir)
    if folder is not None:
        try:
            own = {name[:-5] for name in os.listdir(folder) if name.endswith(".toml") and name == clean(name)}
        except OSError:
            own = set()
    first = [name for name in house if name in shipped]
    return first + sorted((shipped | own) - set(first))


def load(name: str, config_dir: str | None = None) -> Theme:
    """The theme called `name`; the operator's own file wins over a shipped one.

    Raises:
        ConfigError: there is no such theme, or its file cannot be used; says which key and value.
    """
    if name == DEFAULT and not _is_own(name, config_dir):
        return Theme(
            DEFAULT,
            defaulttheme.LABEL,
            defaulttheme.DARK,
            defaulttheme.BASE,
            defaulttheme.ACCENT,
            defaulttheme.LOOKS,
        )
    return read(name, config_dir)


def read(name: str, config_dir: str | None = None) -> Theme:
    """The theme called `name` from its TOML file.

    Raises:
        ConfigError: see `load`.
    """
    import tomllib

    text, path = _read(name, config_dir)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of 5,000 digits
        raise ConfigError(f"{path}: not TOML: {error}; correct it or choose another theme") from error
    return parse(name, table, path)


def parse(name: str, table: dict[str, Any], path: str) -> Theme:
    """A theme from its TOML table. `path` is for the error message only."""
    background = _color(table.get("background", "default"), "background", path)
    foreground = _color(table.get("foreground", "default"), "foreground", path)
    accent = _color(table.get("accent", "default"), "accent", path)
    roles = table.get("roles", {})
    if not isinstance(roles, dict):
        raise ConfigError(f"{path}: roles is not a table; write [roles] and one line a role")
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise ConfigError(f"{path}: roles.{unknown[0]} is no role; the roles are {', '.join(ROLES)}")
    base = Look(fg=foreground, bg=background)
    looks = {role: _look(roles.get(role, {}), base, f"roles.{role}", path) for role in ROLES}
    return Theme(
        name,
        clean_line(str(table.get("label", name)), 40),
        table.get("dark") is not False,
        base,
        accent,
        looks,
    )


def _look(spec: Any, base: Look, key: str, path: str) -> Look:
    if not isinstance(spec, dict):
        raise ConfigError(f'{path}: {key} is {spec!r}; write {{ fg = "#rrggbb", bold = true }}')
    for word in spec:
        if word not in ("fg", "bg", *_FLAGS):
            raise ConfigError(f"{path}: {key}.{word} is not known; use fg, bg, {', '.join(_FLAGS)}")
    flags = {}
    for flag in _FLAGS:
        value = spec.get(flag, False)
        if not isinstance(value, bool):
            raise ConfigError(f"{path}: {key}.{flag} is {value!r}; it must be true or false")
        flags[flag] = value
    return Look(
        fg=_color(spec["fg"], f"{key}.fg", path) if "fg" in spec else base.fg,
        bg=_color(spec["bg"], f"{key}.bg", path) if "bg" in spec else base.bg,
        **flags,
    )


def _color(value: Any, key: str, path: str) -> Color:
    """`#rrggbb` → (r, g, b); `ansi_red`, `ansi_bright_red` → 0 to 15; `default` → None."""
    if value == "default":
        return None
    if isinstance(value, str) and len(value) == 7 and value[0] == "#":
        try:
            number = int(value[1:], 16)
        except ValueError:
            number = -1
        if number >= 0:
            return (number >> 16, number >> 8 & 255, number & 255)
    if isinstance(value, str) and value.startswith("ansi_"):
        word = value[5:].removeprefix("bright_")
        if word in _ANSI:
            return _ANSI.index(word) + (8 if "bright_" in value else 0)
    raise ConfigError(
        f'{path}: {key} is {value!r}; use "#rrggbb", "ansi_red", "ansi_bright_red" or "default"'
    )


def _is_own(name: str, config_dir: str | None) -> bool:
    folder = _own_folder(config_dir)
    return folder is not None and os.path.exists(os.path.join(folder, name + ".toml"))


def _own_folder(config_dir: str | None) -> str | None:
    return None if config_dir is None else os.path.join(config_dir, "themes")


def _read(name: str, config_dir: str | None) -> tuple[str, str]:
    if not name or "/" in name or name.startswith("."):
        raise ConfigError(f"theme {name!r} is not a name; themes are {', '.join(names(config_dir))}")
    folder = _own_folder(config_dir)
    if folder is not None:
        path = os.path.join(folder, name + ".toml")
        try:
            if os.path.exists(path) and not os.path.isfile(path):  # a FIFO would be waited for
                raise OSError(0, "it is not a file")
            with open(path, encoding="utf-8") as file:
                return file.read(262_144), path
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read ({error}); correct it or remove it") from error
    try:
        with open(os.path.join(_SHIPPED, name + ".toml"), encoding="utf-8") as file:
            return file.read(), f"themes/{name}.toml"
    except FileNotFoundError:
        known = ", ".join(names(config_dir))
        raise ConfigError(f"there is no theme {name!r}; themes are {known}") from None


def textual_theme(theme: Theme) -> Any:
    """The `textual.theme.Theme` that dresses Textual's own widgets (palette, inputs) like ours."""
    from textual.theme import Theme as TextualTheme

    def css(color: Color, fallback: str) -> str:
        if color is None:
            return fallback
        if isinstance(color, int):
            return ("ansi_bright_" if color >= 8 else "ansi_") + _ANSI[color % 8]
        return "#{:02x}{:02x}{:02x}".format(*color)

    ansi = theme.base.bg is None
    background = css(theme.base.bg, "ansi_default")
    accent = css(theme.accent, "ansi_default")
    chosen = theme.looks["selected"]
    return TextualTheme(
        name=f"bluetop-{theme.name}",
        primary=accent,
        accent=accent,
        foreground=css(theme.base.fg, "ansi_default"),
        background=background,
        surface=background,
        panel=background,
        success=css(theme.looks["ok"].fg, accent),
        warning=css(theme.looks["medium"].fg, accent),
        error=css(theme.looks["critical"].fg, accent),
        dark=theme.dark,
        ansi=ansi,  # else Textual paints its own idea of black where the terminal's background belongs
        variables=(
            {
                "ansi-background": background,
                "ansi-foreground": css(theme.base.fg, "ansi_default"),
                "input-cursor-foreground": background,
                "input-cursor-text-style": "reverse" if theme.accent is None else "none",
                "block-cursor-text-style": "reverse" if chosen.reverse else "none",
            }
            if ansi
            else {}
        )
        | {
            "input-cursor-background": accent,
            "input-selection-background": css(chosen.bg, accent),
            "block-cursor-background": css(chosen.bg, accent),
            "block-cursor-foreground": css(chosen.fg, "ansi_default" if ansi else background),
            "border": css(theme.looks["border"].fg, accent),
        },
    )
