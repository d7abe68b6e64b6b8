"""Textual is imported without ssl, and nothing is the worse for it afterwards."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def answer(code):
    """What a fresh interpreter prints."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("TEXTUAL", "ESCDELAY", "COVERAGE"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


IMPORT = """
import gc, os, sys
from tui.wire.imports import SETTINGS, settle, textual_settings, with_ssl
with textual_settings(dict(os.environ)):
    import textual.app, textual.constants
"""


def test_textual_is_imported_with_our_settings_and_leaves_none_of_them_behind():
    code = IMPORT + (
        "print(textual.constants.ESCAPE_DELAY, textual.constants.SMOOTH_SCROLL, textual.constants.TEXTUAL_ANIMATIONS,"
        " gc.isenabled(), [n for n in SETTINGS if n in os.environ], 'ssl' in sys.modules)"
    )
    assert answer(code) == ["0.05", "False", "none", "True", "[]", "False"]


def test_what_the_operator_set_is_kept():
    code = "import os; os.environ['ESCDELAY'] = '200'\n" + IMPORT
    code += "print(textual.constants.ESCAPE_DELAY, os.environ['ESCDELAY'])"
    assert answer(code) == ["0.2", "200"]


def test_ssl_can_be_imported_later():
    assert answer(
        IMPORT + "import ssl, urllib.request; print(ssl.create_default_context().verify_mode.name)"
    ) == ["CERT_REQUIRED"]


def test_asyncio_speaks_tls_once_asked_to():
    code = (
        IMPORT
        + """
with_ssl(); with_ssl()
import asyncio, ssl

def context(side):
    made = ssl.SSLContext(side)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("aNULL:@SECLEVEL=0")  # no certificates: it is the handshake that counts
    return made

async def main():
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context(ssl.PROTOCOL_TLS_SERVER))
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context(ssl.PROTOCOL_TLS_CLIENT))
    writer.write(b"hello\\n")
    print((await reader.readline()).decode())
    writer.close()
    server.close()
asyncio.run(main())
"""
    )
    assert answer(code) == ["HELLO"]


def test_settling_leaves_the_collector_on():
    assert answer(IMPORT + "settle(); print(gc.isenabled(), gc.get_freeze_count() > 1000)") == [
        "True",
        "True",
    ]
