"""A worker or cron process for tests, with kinds of work that only tests ask for. Started as a process of its own."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from jobs import registry
from services.errors import Refused


def slow(run_id, arguments, progress):
    """Takes its time, in steps, and leaves its process id where the test finds it."""
    Path(arguments["pid_file"]).write_text(str(os.getpid()))
    for step in range(arguments["steps"]):
        progress(step, arguments["steps"], "counting")
        time.sleep(0.05)
    return {"steps": arguments["steps"]}


def refuse(run_id, arguments, progress):
    raise Refused("The file is empty: upload another.")


def crash(run_id, arguments, progress):
    raise ZeroDivisionError("Meera Iyer, +919876543210")


def die(run_id, arguments, progress):
    os.kill(os.getpid(), 9)


def quick(run_id, arguments, progress):
    return {"done": True}


registry.JOBS |= {f"test.{job.__name__}": job for job in (slow, refuse, crash, die, quick)}

if __name__ == "__main__":
    if sys.argv[1] == "worker":
        from jobs import worker

        worker.run()
    else:
        from jobs import cron

        cron.run()
