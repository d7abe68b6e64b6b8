import os

import pytest

from core.errors import ConfigError
from tui import theming
from tui.view.spans import ROLES

NAMES = theming.names()


def luminance(color):
    parts = [c / 255 for c in color]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    """WCAG 2.1 contrast ratio of two colours."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_there_are_at_least_six_themes_and_the_default_is_one():
    assert len(NAMES) >= 6
    assert theming.DEFAULT in NAMES
    assert theming.NO_COLOR_THEME in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_theme_gives_every_role_a_look(name):
    theme = theming.load(name)
    assert set(theme.looks) == set(ROLES)


@pytest.mark.parametrize("name", NAMES)
def test_words_can_be_read_on_their_background(name):
    theme = theming.load(name)
    least = {"contrast": 7.0}.get(name, 3.9)
    for role in (
        "text",
        "dim",
        "strong",
        "ok",
        "low",
        "medium",
        "high",
        "critical",
        "unknown",
        "key",
        "selected",
    ):
        look = theme.looks[role]
        if isinstance(look.fg, tuple) and isinstance(look.bg, tuple):
            assert contrast(look.fg, look.bg) >= least, (name, role)


def test_the_monochrome_theme_has_no_colour_and_still_tells_severities_apart():
    looks = theming.load("mono").looks
    assert all(look.fg is None and look.bg is None for look in looks.values())
    assert looks["critical"] != looks["text"]
    assert looks["selected"] != looks["text"]


def test_the_sixteen_colour_theme_uses_nothing_else():
    for look in theming.load("ansi").looks.values():
        assert look.fg is None or isinstance(look.fg, int)
        assert look.bg is None or isinstance(look.bg, int)


def test_the_operators_own_theme_wins_over_a_shipped_one(tmp_path):
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "dusk.toml").write_text('label = "Mine"\nbackground = "#000000"\n', encoding="utf-8")
    (folder / "night.toml").write_text('[roles]\ntext = { fg = "#ffffff" }\n', encoding="utf-8")
    assert theming.load("dusk", str(tmp_path)).label == "Mine"
    assert "night" in theming.names(str(tmp_path))
    assert theming.load("night", str(tmp_path)).looks["text"].fg == (255, 255, 255)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "not TOML"),
        ('background = "blue"', "background is 'blue'"),
        ('[roles]\ntxt = { fg = "#ffffff" }', "roles.txt is no role"),
        ("[roles]\ntext = { fg = 3 }", "roles.text.fg is 3"),
        ('[roles]\ntext = { bold = "yes" }', "roles.text.bold is 'yes'"),
        ("[roles]\ntext = { blink = true }", "roles.text.blink is not known"),
        ('roles = "x"', "roles is not a table"),
        ("dark = " + "9" * 5_000, "not TOML"),
        ("dark = " + "[" * 5_000, "not TOML"),
        ('[roles]\ntext = "red"', "roles.text is 'red'"),
    ],
)
def test_a_bad_theme_is_named_with_its_key_and_value(tmp_path, text, said):
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "bad.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        theming.load("bad", str(tmp_path))
    assert said in str(error.value)
    assert "bad.toml" in str(error.value)


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "nowhere"])
def test_a_name_that_is_no_theme_lists_those_there_are(name):
    with pytest.raises(ConfigError, match="dusk"):
        theming.load(name)


def test_the_ready_made_default_is_the_one_of_its_file():
    assert theming.load(theming.DEFAULT) == theming.read(theming.DEFAULT)


def test_a_theme_that_is_a_fifo_or_a_folder_is_refused_without_waiting(tmp_path):
    folder = tmp_path / "themes"
    (folder / "deep.toml").mkdir(parents=True)
    os.mkfifo(folder / "pipe.toml")
    for name in ("deep", "pipe"):
        with pytest.raises(ConfigError, match="cannot be read"):
            theming.load(name, str(tmp_path))


def test_names_and_labels_of_own_themes_are_fit_to_be_shown(tmp_path):
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "x\x1b]0;evil\x07\n.toml").write_text("")
    (folder / "mine.toml").write_text('label = "a\\u001b[31m\\nb"\n')
    assert [name for name in theming.names(str(tmp_path)) if name not in theming.names()] == ["mine"]
    assert theming.load("mine", str(tmp_path)).label == "a\\x1b[31m b"
