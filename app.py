"""The map of the product: one frame, and within it the screens of `components/screens.py` by permission."""

from components import shell

shell.run()
