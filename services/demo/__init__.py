"""Demo data: a made-up lender's book of any size, the same for the same seed; loaded by COPY or written as files."""

from services.demo.files import write_files
from services.demo.loading import SEED, Loaded, generate
from services.demo.offering import load
from services.demo.users import demo_users

__all__ = ["SEED", "Loaded", "demo_users", "generate", "load", "write_files"]
