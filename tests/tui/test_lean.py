"""Modules that are stood in for while Textual is imported: the same names, and afterwards the real ones."""

import subprocess
import sys

CODE = """
import sys
from tui.wire.imports import textual_settings
with textual_settings({}):
    import textual.app
assert "typing_extensions" not in sys.modules, "it was imported after all"
assert "textual.widgets._tree" not in sys.modules
import textual.types, typing_extensions, typing
assert textual.types.__file__ and typing_extensions.__file__
assert textual.types.IgnoreReturnCallbackType
assert typing_extensions.Self is typing.Self
print("good")
"""
LACKING = """
import sys
from tui.lean import standing_in
with standing_in({"typing_extensions": "typing"}):
    from typing_extensions import Self, deprecated  # the second is not in every typing
    import typing_extensions
import typing
assert Self is typing.Self and callable(deprecated)
print(getattr(typing_extensions, "__file__", "") is not None, "good")
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_textual_is_imported_without_what_it_needs_only_names_of():
    assert run(CODE) == "good\n"


def test_a_name_that_the_lender_lacks_comes_from_the_real_module():
    assert run(LACKING).endswith("good\n")
