"""`manage.py audit` and `seal`: the integrity of the trail, and of the records taken out of it."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The audit trail: seal new events, verify that nothing was changed.", no_args_is_help=True)


@app.command()
def verify() -> None:
    """Recompute the whole hash chain; exit code 1 and the first broken link where it does not hold."""
    from ops.commands.showing import progress_bar
    from ops.servers import available
    from services.actors import SYSTEM
    from services.audit.verifying import verify as verify_trail
    from services.wording import counted

    with available(queue=False), progress_bar("Verifying the audit trail") as report:
        found = verify_trail(SYSTEM, progress=report)
    verdict = "intact" if found.is_intact else "BROKEN"
    typer.echo(f"{counted(found.seals, 'seal')} over {counted(found.events, 'event')}: {verdict}.")
    if not found.is_intact:
        typer.echo(found.finding, err=True)
        raise typer.Exit(1)


@app.command("check-document")
def check_document(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A record as PDF or HTML.")],
) -> None:
    """Say whether a borrower's record was issued here and is unchanged; exit code 1 where it is not."""
    from ops.servers import available
    from services.actors import SYSTEM
    from services.audit import checking

    if file.stat().st_size > checking.MAX_BYTES:  # what the check itself says, before the file is read
        raise typer.BadParameter(f"{file} is larger than any record.")
    with available(queue=False):
        found = checking.check(SYSTEM, file.read_bytes())
    typer.echo(f"{_SAID[found.verdict.value]} SHA-256 {found.sha256}")
    if (issue := found.issue) is not None:
        seal = "sealed" if issue.is_sealed else "not sealed yet"
        typer.echo(
            f"Record of borrower {issue.borrower_number}, taken out {issue.at:%Y-%m-%d %H:%M:%S %Z} by {issue.by} "
            f"({issue.role}), reason: {issue.reason or '-'}. Event {issue.event_id}, {seal}."
        )
    if found.verdict is not checking.Verdict.UNCHANGED:
        raise typer.Exit(1)


_SAID = {
    "unchanged": "Issued here and unchanged.",
    "added to": "Issued here, but something was ADDED after it was signed.",
    "changed": "CHANGED after it was issued.",
    "unknown": "NOT KNOWN here: made elsewhere, or saved anew without its signature.",
}


@app.command()
def certificate() -> None:
    """Print the certificate that records are signed with, for whoever checks them elsewhere."""
    from services import signing

    identity = signing.identity()
    typer.echo(identity.certificate_pem.decode(), nl=False)
    typer.echo(f"SHA-256 {identity.fingerprint}", err=True)
