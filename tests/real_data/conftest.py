"""Real loan books beside the project: not ours to copy, so tests of them are skipped where they are absent."""

from pathlib import Path

import pytest

from settings import PROJECT

FOLDER = PROJECT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def books() -> Path:
    """The folder of real loan books."""
    if not FOLDER.is_dir():
        pytest.skip(f"the real loan books are not at {FOLDER}")
    return FOLDER
