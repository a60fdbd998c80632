"""What went wrong for a known reason, in one sentence for the operator. Imports are inside: `--help` needs none."""


def sentence_of(error: Exception) -> str | None:
    """What to tell the operator, or None for a defect of ours."""
    from pydantic import ValidationError
    from redis import RedisError
    from sqlalchemy.exc import OperationalError

    from db.embedded_account import EmbeddedServerError
    from ops.preflight import NotReady, reason
    from services.errors import CollectionsError

    if isinstance(error, CollectionsError | EmbeddedServerError | NotReady):
        return str(error)
    if isinstance(error, ValidationError):  # settings, read in the first lines of every process
        wrong = [f"{_variable(item['loc'])}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors()]
        return f"A setting cannot be used: {'; '.join(wrong)}. See docs/operations.md."
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {reason(error)}"
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename} cannot be used ({error.strerror})."
    return f"The queue server cannot be used: {reason(error)}" if isinstance(error, RedisError) else None


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    return name if name.isupper() else f"RECOUP_{name.upper()}"
