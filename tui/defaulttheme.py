"""The default theme as `themes/dusk.toml` has it, ready made: parsing TOML costs 15 ms before the first frame.

A test holds the two equal. Not for other themes, and not to be edited by hand: edit the TOML, then copy.
"""

from tui.wire.sgr import Color, Look

LABEL = "Dusk"
DARK = True
ACCENT: Color = (127, 180, 202)
_BG = (20, 23, 28)
BASE = Look((201, 209, 217), _BG)
LOOKS = {
    "text": Look((201, 209, 217), _BG),
    "dim": Look((119, 129, 142), _BG),
    "title": Look((119, 129, 142), _BG, bold=True),
    "accent": Look((127, 180, 202), _BG, bold=True),
    "strong": Look((240, 243, 246), _BG, bold=True),
    "ok": Look((143, 174, 132), _BG),
    "low": Look((184, 169, 101), _BG),
    "medium": Look((217, 166, 88), _BG),
    "high": Look((232, 135, 95), _BG),
    "critical": Look((242, 97, 109), _BG, bold=True),
    "unknown": Look((150, 160, 173), _BG, italic=True),
    "chart": Look((85, 125, 144), _BG),
    "chart_last": Look((168, 212, 230), _BG),
    "target": Look((74, 83, 95), _BG),
    "bar": Look((127, 163, 181), _BG),
    "bar_rest": Look((43, 50, 59), _BG),
    "selected": Look((240, 243, 246), (38, 56, 74)),
    "marked": Look((127, 180, 202), _BG),
    "key": Look((127, 180, 202), _BG, bold=True),
    "header": Look((201, 209, 217), _BG),
    "border": Look((51, 59, 70), _BG),
}
