"""The cell diff, with a terminal emulator (pyte) as the judge of what the bytes do."""

import unicodedata

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.wire.buffer import Buffer
from tui.wire.sgr import Look, sgr

WIDTH, HEIGHT = 24, 6
LOOKS = [
    sgr(look, "truecolor")
    for look in (
        Look(), Look(fg=2), Look(fg=1, bold=True), Look(bg=(1, 2, 3)), Look(fg=(9, 9, 9), bg=(1, 2, 3)),
        Look(reverse=True), Look(fg=4, underline=True), Look(bold=True, strike=True, bg=7), Look(italic=True),
    )
]  # fmt: skip
words = st.text(alphabet="ab  z─▇⣿é漢字한e\u0301", max_size=30)
runs = st.lists(st.tuples(words, st.sampled_from(LOOKS)), max_size=4)
paints = st.lists(st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1), runs), max_size=8)
frames = st.lists(paints, min_size=1, max_size=6)


def terminal(width=WIDTH, height=HEIGHT):
    screen = pyte.Screen(width, height)
    screen.reset_mode(pyte.modes.DECAWM)
    return screen, pyte.Stream(screen)


def shown(screen):
    """What the emulator shows, cell by cell: text, and what of its look can be seen."""
    rows = []
    for y in range(screen.lines):
        row = []
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            marks = (cell.bg, cell.underscore, cell.strikethrough, cell.reverse)
            seen = any(marks[1:])
            if cell.data == " ":
                row.append((" ", marks, cell.fg if seen else ""))
            else:
                row.append((cell.data, marks, (cell.fg, cell.bold, cell.italics)))
        rows.append(row)
    return rows


def naive(buffer):
    """The whole picture, each row from its start and each cell with its whole look."""
    out = []
    for y, (cells, looks) in enumerate(buffer._back):
        for x, (cell, look) in enumerate(zip(cells, looks, strict=True)):
            if cell not in ("", "\0"):
                out.append(f"\x1b[{y + 1};{x + 1}H\x1b[0;{buffer._params[ord(look)]}m{cell}")
    return "".join(out)


@settings(max_examples=300, deadline=None)
@given(frames)
def test_after_each_flush_the_terminal_shows_what_was_painted(pictures):
    buffer = Buffer(WIDTH, HEIGHT)
    buffer.cleared()
    screen, stream = terminal()
    for y in range(HEIGHT):
        buffer.paint(y, 0, [(" " * WIDTH, "")])
    for picture in pictures:
        for y, x, line in picture:
            buffer.paint(y, x, line)
        data = buffer.flush()
        stream.feed(data)
        fresh, fresh_stream = terminal()
        fresh_stream.feed(naive(buffer))
        assert shown(screen) == shown(fresh)
        assert len(data.encode()) <= len(naive(buffer).encode())
        assert buffer.flush() == ""


@settings(max_examples=100, deadline=None)
@given(frames)
def test_flushing_late_loses_nothing(pictures):
    often, late = Buffer(WIDTH, HEIGHT), Buffer(WIDTH, HEIGHT)
    (a, a_stream), (b, b_stream) = terminal(), terminal()
    for picture in pictures:
        for y, x, line in picture:
            often.paint(y, x, line)
            late.paint(y, x, line)
        a_stream.feed(often.flush())
    b_stream.feed(late.flush())
    assert [[cell[0] for cell in row] for row in shown(a)] == [[cell[0] for cell in row] for row in shown(b)]


@settings(max_examples=100, deadline=None)
@given(frames)
def test_a_wide_character_is_never_left_in_half(pictures):
    buffer = Buffer(WIDTH, HEIGHT)
    for picture in pictures:
        for y, x, line in picture:
            buffer.paint(y, x, line)
    for cells, looks in buffer._back:
        assert len(cells) == len(looks) == WIDTH
        for x, cell in enumerate(cells):
            wide = bool(cell) and unicodedata.east_asian_width(cell[0]) in "WF"
            assert wide == (x + 1 < WIDTH and cells[x + 1] == "")


def flushed(*steps, width=40, height=4):
    """The bytes of the last step; a step is a list of (y, x, runs)."""
    buffer = Buffer(width, height)
    data = ""
    for step in steps:
        for y, x, line in step:
            buffer.paint(y, x, line)
        data = buffer.flush()
    return data


def test_the_same_picture_costs_nothing():
    picture = [(0, 0, [("hello", "31"), (" world", "")])]
    assert flushed(picture, picture) == ""


def test_one_changed_figure_costs_a_move_a_look_and_the_figure():
    before, after = [(2, 0, [("cpu 41 %", "32")])], [(2, 0, [("cpu 42 %", "32")])]
    assert flushed(before, after) == "\x1b[3;6H\x1b[;32m2"


def test_a_short_gap_is_sent_again_and_a_long_one_jumped_over():
    base = [(0, 0, [("a" * 30, "")])]
    assert flushed(base, [(0, 3, [("X", "")]), (0, 6, [("Y", "")])]) == "\x1b[1;4H\x1b[mXaaY"
    assert flushed(base, [(0, 3, [("X", "")]), (0, 16, [("Y", "")])]) == "\x1b[1;4H\x1b[mX\x1b[12CY"


def test_three_byte_characters_are_jumped_over_sooner():
    base = [(0, 0, [("⣿" * 30, "")])]
    assert flushed(base, [(0, 3, [("X", "")]), (0, 6, [("Y", "")])]) == "\x1b[1;4H\x1b[mX\x1b[2CY"


def test_the_next_row_is_a_line_feed_away():
    base = [(y, 0, [("aaaaaaaaaa", "")]) for y in range(3)]
    assert flushed(base, [(0, 4, [("X", "")]), (1, 5, [("Y", "")])]) == "\x1b[1;5H\x1b[mX\nY"


def test_only_what_differs_in_a_look_is_switched():
    base = [(0, 0, [("aaaa", "")])]
    after = [(0, 0, [("b", "38;2;1;1;1;48;2;9;9;9"), ("b", "38;2;2;2;2;48;2;9;9;9")])]
    assert flushed(base, after) == "\x1b[H\x1b[;38;2;1;1;1;48;2;9;9;9mb\x1b[38;2;2;2;2mb"


def test_blank_tails_are_erased_only_on_the_terminals_own_background():
    for params, erased in (("", True), ("31", True), ("44", False), ("7", False)):
        full = [(1, 0, [("x" * 40, params)])]
        empty = [(1, 0, [("xx", params), (" " * 38, params)])]
        assert flushed(full, empty).endswith("\x1b[K") == erased


def test_blanks_of_another_colour_are_no_change():
    assert flushed([(0, 0, [("    ", "31;44")])], [(0, 0, [("    ", "1;32;44")])]) == ""
    assert flushed([(0, 0, [("    ", "31;44")])], [(0, 0, [("    ", "31;45")])]) != ""


def test_after_what_terminals_disagree_about_the_cursor_is_put_anew():
    base = [(0, 0, [("a" * 10, "")])]
    assert flushed(base, [(0, 0, [("🦊bc", "")])]) == "\x1b[H\x1b[m🦊\x1b[3Gbc"
    assert flushed(base, [(0, 0, [("漢字bc", "")])]) == "\x1b[H\x1b[m漢字\x1b[5Gbc"


def test_a_control_code_never_passes():
    data = flushed([(0, 0, [("a\x1b]52;c;eA==\x07\x9b31m\r\n\tb", "")])])
    assert data == "\x1b[H\x1b[ma?]52;c;eA==??31m???b"


def test_ascii_only_sends_ascii_only():
    buffer = Buffer(20, 1, ascii_only=True)
    buffer.paint(0, 0, [("é漢─x", "")])
    assert buffer.flush() == "\x1b[H\x1b[m????x"


def test_what_does_not_fit_is_cut_off_and_half_a_wide_character_is_a_blank():
    buffer = Buffer(4, 1)
    buffer.paint(0, 1, [("ab漢", "")])
    buffer.paint(5, 0, [("x", "")])
    buffer.paint(0, 9, [("x", "")])
    assert buffer.text() == [" ab "]


def test_a_resize_forgets_and_an_invalidation_sends_everything_again():
    buffer = Buffer(10, 2)
    buffer.paint(0, 0, [("hello", "31")])
    first = buffer.flush()
    buffer.invalidate()
    assert buffer.flush() == first
    buffer.resize(5, 1)
    assert buffer.flush() == ""
    buffer.paint(0, 0, [("12345", "")])
    assert buffer.flush() == "\x1b[H\x1b[m12345"


def test_rows_that_a_resize_takes_away_are_not_drawn_any_more():
    buffer = Buffer(10, 8)
    buffer.paint(7, 0, [("last", "")])
    buffer.resize(10, 3)
    buffer.paint(2, 0, [("new", "")])
    assert buffer.flush() == "\x1b[3H\x1b[mnew"


def test_the_first_frame_on_a_cleared_screen_leaves_its_blanks_out():
    buffer = Buffer(20, 2)
    buffer.cleared()
    buffer.paint(0, 0, [("hi" + " " * 18, "")])
    buffer.paint(1, 0, [(" " * 20, "")])
    assert buffer.flush() == "\x1b[H\x1b[mhi"


def test_rows_painted_and_not_sent_are_forgotten_when_the_terminal_shrinks():
    buffer = Buffer(20, 24)
    for y in range(24):
        buffer.paint(y, 0, [("x" * 20, "")])
    buffer.resize(20, 10)
    buffer.paint(3, 0, [("still here", "")])
    assert "still here" in buffer.flush()
