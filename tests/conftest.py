"""What holds for every test: the garbage collector leaves alone what was there before the first one."""

import gc


def pytest_collection_finish() -> None:
    """Modules and collected tests live to the end; looking through them again and again costs a tenth of a run."""
    gc.collect()
    gc.freeze()
