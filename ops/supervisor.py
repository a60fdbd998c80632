"""Keeps processes running: starts them, prefixes what they print, restarts what dies, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil

from db.embedded_account import ended
from ops.preflight import NotReady
from ops.processes import MARK, PROJECT, Process

_POLL_SECONDS = 0.2
_WATCH_SECONDS = 2.0
_STOP_SECONDS = 12.0  # a worker gives the job in hand 8 seconds
_BACK_OFF_SECONDS = (0.5, 1, 2, 5, 10, 30)
_STABLE_SECONDS = 60  # who ran this long starts again without delay
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)


@dataclass(slots=True)
class _Child:
    process: Process
    running: subprocess.Popen[str] | None = None
    started_at: float = 0
    deaths: int = 0
    start_again_at: float = 0


class Supervisor:
    """Runs processes until told to stop by SIGINT, SIGTERM or the end of the terminal.

    Args:
        processes: what to run.
        watch: called every two seconds; restarts what it looks after (embedded servers).
        out: where the processes' lines go.
    """

    def __init__(
        self, processes: Sequence[Process], *, watch: Callable[[], None] | None = None, out: TextIO = sys.stdout
    ) -> None:
        self._children = [_Child(process) for process in processes]
        self._width = max((len(process.name) for process in processes), default=0)
        self._watch, self._out, self._lock = watch, out, threading.Lock()
        self._signals = 0

    def run(self) -> None:
        """Start all, keep them running, and stop all when told to. A second signal does not wait."""
        heard = [number for number in _STOP_SIGNALS if number != signal.SIGHUP or not _outlives_terminal()]
        before = {number: signal.signal(number, self._on_signal) for number in heard}
        watcher = threading.Thread(target=self._watch_on, name="watch", daemon=True)
        watcher.start()
        try:
            while not self._signals:
                for child in self._children:
                    self._tend(child)
                time.sleep(_POLL_SECONDS)
        finally:
            self._signals += 1
            self._stop_all()
            watcher.join(timeout=30)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._signals += 1

    def _tend(self, child: _Child) -> None:
        if child.running is not None and (code := child.running.poll()) is not None:
            self._bury(child, code)
        if child.running is None and time.monotonic() >= child.start_again_at:
            self._start(child)

    def _start(self, child: _Child) -> None:
        child.started_at = time.monotonic()
        child.running = subprocess.Popen(  # noqa: S603
            child.process.command,
            env=child.process.environment,
            cwd=PROJECT,  # where .env and .streamlit/ are found
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a Ctrl-C reaches only us, and we stop them in order
        )
        threading.Thread(target=self._relay, args=(child.process.name, child.running.stdout), daemon=True).start()

    def _bury(self, child: _Child, code: int) -> None:
        lived = time.monotonic() - child.started_at
        child.deaths = 0 if lived >= _STABLE_SECONDS else child.deaths + 1
        pause = _BACK_OFF_SECONDS[min(max(child.deaths - 1, 0), len(_BACK_OFF_SECONDS) - 1)]
        child.running, child.start_again_at = None, time.monotonic() + pause
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        self._print(child.process.name, f"{ended}; starts again in {pause:g} s")

    def _stop_all(self) -> None:
        """Ask all at once; at the deadline, or at a second signal, end them and whatever they started."""
        running = [child.running for child in self._children if child.running is not None]
        for process in running:
            _signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while self._signals < 3 and time.monotonic() < deadline and any(process.poll() is None for process in running):
            time.sleep(0.05)
        for process in running:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()

    def _watch_on(self) -> None:
        while self._watch is not None and not self._signals:
            try:
                self._watch()
            except Exception as error:  # noqa: BLE001 - tried again in two seconds, whatever it was
                self._print("servers", str(error))
            time.sleep(_WATCH_SECONDS)

    def _relay(self, name: str, lines: TextIO) -> None:
        with lines:
            for line in lines:
                self._print(name, line.rstrip("\n"))

    def _print(self, name: str, line: str) -> None:
        label = f"{name:<{self._width}} |"
        if self._out.isatty():
            label = f"\x1b[{_COLOURS[sum(name.encode()) % len(_COLOURS)]}m{label}\x1b[0m"
        with self._lock, suppress(BrokenPipeError, ValueError):  # whoever read our output has gone
            self._out.write(f"{label} {line}\n")
            self._out.flush()


@contextmanager
def only_one(home: Path) -> Iterator[int]:
    """Within, no other supervisor runs from this folder, and nothing is left of one that was killed: how many were.

    Raises:
        NotReady: another one runs.
    """
    import fcntl

    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "unknown"
            raise NotReady(
                f"Recoup already runs from {home} (process {holder}): stop that one, or set RECOUP_DATA_DIR."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        leftovers = end_leftovers(home)
        try:
            yield leftovers
        finally:
            end_leftovers(home)


def end_leftovers(home: Path) -> int:
    """End supervised processes of this data folder that have no supervisor, and their children.

    Returns:
        How many there were.
    """
    found = [process for process in psutil.process_iter() if _is_of(process, home)]
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    for process in found:
        ended(process, 5)
    return len(found)


def _is_of(process: psutil.Process, home: Path) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return bool(process.environ().get(MARK) == str(home)) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _outlives_terminal() -> bool:
    """Whether whoever started us asked for that, with nohup."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
