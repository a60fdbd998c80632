"""`manage.py audit` and `seal`: the integrity of the trail."""

import typer

app = typer.Typer(help="The audit trail: seal new events, verify that nothing was changed.", no_args_is_help=True)


@app.command()
def verify() -> None:
    """Recompute the whole hash chain; exit code 1 and the first broken link where it does not hold."""
    from ops.commands.showing import progress_bar
    from ops.servers import available
    from services.actors import SYSTEM
    from services.audit.verifying import verify as verify_trail

    with available(queue=False), progress_bar("Verifying the audit trail") as report:
        found = verify_trail(SYSTEM, progress=report)
    typer.echo(f"{found.seals:,} seals over {found.events:,} events: {'intact' if found.is_intact else 'BROKEN'}.")
    if not found.is_intact:
        typer.echo(found.finding, err=True)
        raise typer.Exit(1)
