"""`manage.py lender`: who the lender is."""

from typing import Annotated

import typer

app = typer.Typer(help="The lender: show and set name, currency, locale, time zone.", no_args_is_help=True)


@app.command()
def show() -> None:
    """Show who the lender is, and its business date now."""
    from dataclasses import asdict

    from ops.commands.showing import table
    from ops.servers import available
    from services import clock, lender_profile
    from services.actors import SYSTEM

    with available(queue=False):
        found = lender_profile.profile(SYSTEM)
    rows = [(name.replace("_", " ").capitalize(), value or "not set") for name, value in asdict(found).items()]
    table(("Setting", "Value"), [*rows, ("Business date now", clock.today(found.time_zone).isoformat())])


@app.command("set")
def change(
    name: Annotated[str | None, typer.Option(help="As letters and reminders sign.")] = None,
    currency: Annotated[str | None, typer.Option(help="Such as INR; only while there are no loans.")] = None,
    locale: Annotated[str | None, typer.Option(help="Language and country, such as en_IN.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Whose midnight ends a business date: Asia/Kolkata.")] = None,
    grievance_contact: Annotated[str | None, typer.Option(help="Where borrowers complain; empty: none.")] = None,
) -> None:
    """Change who the lender is. Set it before the first import."""
    from ops.servers import available
    from services import lender_profile
    from services.actors import SYSTEM

    given = {
        "name": name,
        "currency": currency,
        "locale": locale,
        "time_zone": time_zone,
        "grievance_contact": grievance_contact,
    }
    with available(queue=False):
        found = lender_profile.change(SYSTEM, {name: value for name, value in given.items() if value is not None})
    typer.echo(f"{found.name}: amounts in {found.currency} as {found.locale} writes them, days of {found.time_zone}.")
