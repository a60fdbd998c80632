"""Runs of the app in Streamlit's own test runner."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner


@contextmanager
def components_looked_for_once() -> Iterator[None]:
    """Within, Streamlit looks for components in installed packages at the first run only.

    A server does so when it starts; the test runner does at each run, where it takes ten times as long as a page.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield
