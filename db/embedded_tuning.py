"""Settings of the embedded Postgres, sized from the machine."""

import os
import shutil
from pathlib import Path

_MB = 1024 * 1024


def machine_memory_mb() -> int:
    """Memory that we may count on, MB: the machine's, or the container's where that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            memory = min(memory, int(limit.read_text()))
        except (OSError, ValueError):  # absent, or "max"
            continue
    return memory // _MB


def postgres_settings(port: int, data: Path, *, durable: bool) -> dict[str, str]:
    """Lines of recoup.conf: address, memory, write-ahead log, planner, and a log that holds no personal data."""
    return {
        "port": str(port),
        "listen_addresses": "'127.0.0.1'",
        "unix_socket_directories": "''",
        "max_connections": "100",
        "password_encryption": "'scram-sha-256'",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "jit": "off",
        **_memory(durable=durable),
        **_write_ahead_log(data, durable=durable),
        **_planner(),
        **_logging(),
    }


def _memory(*, durable: bool) -> dict[str, str]:
    memory = machine_memory_mb() if durable else 512
    settings = {
        "shared_buffers": f"{_clamp(memory // 5, 64, 4096)}MB",
        "effective_cache_size": f"{max(memory // 2, 128)}MB",
        "work_mem": f"{_clamp(memory // 256, 8, 64)}MB",
        "maintenance_work_mem": f"{_clamp(memory // 16, 64, 1024)}MB",
    }
    shared = Path("/dev/shm")  # noqa: S108 - asked for its size only
    if shared.exists() and shutil.disk_usage(shared).total < 512 * _MB:
        settings["dynamic_shared_memory_type"] = "mmap"  # containers give 64 MB, on which parallel queries fail
    return settings


def _write_ahead_log(data: Path, *, durable: bool) -> dict[str, str]:
    if not durable:
        return {
            "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
            "max_wal_size": "2GB", "wal_level": "minimal", "max_wal_senders": "0",
        }  # fmt: skip
    free_gb = shutil.disk_usage(data).free // (1024 * _MB)
    return {
        "wal_level": "replica",
        "max_wal_size": f"{_clamp(free_gb // 8, 1, 8)}GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
    }


def _planner() -> dict[str, str]:
    processors = os.cpu_count() or 1
    return {
        "random_page_cost": "1.1",
        "max_worker_processes": str(max(8, processors)),
        "max_parallel_workers": str(processors),
        "max_parallel_workers_per_gather": str(_clamp(processors // 2, 1, 4)),
        "max_parallel_maintenance_workers": str(_clamp(processors // 2, 1, 4)),
    }


def _logging() -> dict[str, str]:
    return {
        "logging_collector": "on",
        "log_directory": "'log'",
        "log_filename": "'postgresql-%a.log'",  # a week, each day over the one of a week before
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_min_duration_statement": "2s",
        "log_parameter_max_length": "0",  # values are personal data
        "log_error_verbosity": "terse",  # details and contexts quote rows
        "lc_messages": "'C'",
    }


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
