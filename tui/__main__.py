"""`python -m tui`, for a trusted checkout: it imports from the current directory first. Else use `bluetop`."""

import sys

from tui.cli import main

sys.exit(main())
