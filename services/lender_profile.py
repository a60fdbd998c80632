"""Who the lender is: name, currency, locale, time zone, and where its borrowers complain; and changing that."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final
from zoneinfo import available_timezones

import phonenumbers
from babel.core import Locale, UnknownLocaleError
from babel.numbers import get_currency_precision, is_currency

from db.engine import reading, transaction
from db.queries import lender as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import InvalidInput, Refused

_DECIMALS: Final = 2
_LONGEST: Final = {"name": 100, "grievance_contact": 200}


@dataclass(frozen=True, slots=True)
class Profile:
    """What holds for the whole installation."""

    name: str
    currency: str
    """ISO 4217. All amounts are in it."""
    locale: str
    """Language and country, 'en_IN': how amounts are written, and where phone numbers without a country are."""
    time_zone: str
    """IANA. A business date ends at its midnight, wherever machines and borrowers are."""
    grievance_contact: str | None
    """Where borrowers complain, as letters and reminders say; None: the address that mail comes from."""


def profile(actor: Actor) -> Profile:
    """The lender as it is set up.

    Raises:
        NotAllowed: the actor may not change settings.
    """
    actor.require(Permission.CONFIGURE)
    with reading() as session:
        return Profile(**queries.profile_row(session))


def change(actor: Actor, changes: Mapping[str, str]) -> Profile:
    """Change some of the profile, by the names of its fields; with an audit event where that changes anything.

    Raises:
        NotAllowed: the actor may not change settings.
        InvalidInput: a value that cannot be.
        Refused: another currency than that of the loans that are there.
    """
    actor.require(Permission.CONFIGURE)
    checked = {name: _checked(name, value.strip()) for name, value in changes.items()}
    with transaction() as session:
        before = queries.profile_row(session)
        after = before | checked
        if after == before:
            return Profile(**before)
        if after["currency"] != before["currency"] and queries.has_loans(session):
            raise Refused(
                f"The loans that are there are in {before['currency']}: their amounts would be taken for "
                f"{after['currency']}. Set the currency before the first import."
            )
        queries.set_profile(session, after)
        named = ", ".join(name.replace("_", " ") for name in before if after[name] != before[name])
        audit.record(
            session,
            actor,
            "lender.changed",
            subject=("lender", 1),
            summary=f"changed the lender's {named}",
            before=before,
            after=asdict(Profile(**after)),
        )
        queries.bump_data_version(session)
    return Profile(**after)


def _checked(name: str, value: str) -> str | None:
    match name:
        case "currency" if not is_currency(value.upper()):
            raise InvalidInput({name: f"“{value}” is no currency. Give its three letters, such as INR or USD."})
        case "currency" if get_currency_precision(value.upper()) > _DECIMALS:
            raise InvalidInput({name: f"Amounts are kept with two decimals, {value.upper()} has more."})
        case "currency":
            return value.upper()
        case "locale":
            return _locale(value)
        case "time_zone" if value not in available_timezones():
            raise InvalidInput({name: f"“{value}” is no time zone. Give an IANA name, such as Asia/Kolkata."})
        case "grievance_contact" if not value:
            return None
        case "name" | "grievance_contact" if not 0 < len(value) <= _LONGEST[name] or not value.isprintable():
            raise InvalidInput(
                {name: f"Give the {name.replace('_', ' ')} in one line of 1 to {_LONGEST[name]} letters."}
            )
    return value


def _locale(value: str) -> str:
    try:
        found = Locale.parse(value.replace("-", "_"))
    except (ValueError, TypeError, UnknownLocaleError):
        found = None
    if found is None or found.territory is None or not phonenumbers.country_code_for_region(found.territory):
        raise InvalidInput({"locale": f"“{value}” is no language with its country. Give both, such as en_IN or en_US."})
    return str(found)
