"""Which column fills which field: proposed from header and content, checked, and turned into a plan of statements.

A mapping is {their header: our field}; a measure that has a column for each month is 'field@2025-03-31'. Columns
without a field become attributes of the loan.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from db.queries.imports.casts import TWO_WAYS
from db.queries.imports.plan import Plan, Target
from services.errors import InvalidInput
from services.imports.fields import FIELDS, Field, Kind, field_of

_TYPE_PATTERNS = {
    "amount": re.compile(r"^\(?[-+]?[₹$€£\s]*(rs\.?)?\s*[\d,.]+\)?(/-)?$", re.IGNORECASE),
    "rate": re.compile(r"^[\d.,]+\s*%?$"),
    "integer": re.compile(r"^-?\d+(\.0+)?(\s*(months?|days?))?$", re.IGNORECASE),
    "date": re.compile(
        r"^(\d{4}[-/.]\d{1,2}|\d{1,2}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ,]+\d{2,4}"
        r"|[A-Za-z]{3,9}[- ]\d{4}|\d{1,2}/\d{4}|(19|20)\d{6}$)"
    ),
    "flag": re.compile(r"^(y|n|yes|no|true|false|0|1|t|f)$", re.IGNORECASE),
    "phone": re.compile(r"^\+?[\d\s()-]{7,20}(\.0)?$"),
    "email": re.compile(r"^\S+@\S+\.\S+$"),
}  # fmt: skip
_TYPE_PATTERNS["moment"] = _TYPE_PATTERNS["date"]
_NOTHING = {"", "na", "n/a", "nan", "null", "none", "-"}
REASON_HEADER = "Recoup: why not taken"
"""The last column of rejected rows; when they come back it is passed over."""
OPTIONS = ("date_order", "decimal", "phone_country", "constants", "value_maps", "number_prefix", "product", "derive")
"""What a profile may say beside the columns."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a column probably is."""

    header: str
    target: str | None
    """Field, or None: an attribute."""
    confidence: float
    """0 to 1."""
    samples: tuple[str, ...]


def normalised(header: str) -> str:
    """Lower case, words parted by one space: 'Loan_A/c No.' -> 'loan a c no'. Letters of other scripts stay."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", header)
    return " ".join(re.sub(r"[\x00-\x2f\x3a-\x60\x7b-\xbf\u2000-\u20cf]+", " ", spaced.lower()).split())


def fingerprint(headers: Sequence[str]) -> str:
    """The same for files with the same columns, in whatever order."""
    return hashlib.sha256(
        "\x1f".join(sorted(normalised(h) for h in headers if h != REASON_HEADER)).encode()
    ).hexdigest()


# --- proposing ----------------------------------------------------------------------------------------------------


def propose(kind: Kind, headers: Sequence[str], samples: Sequence[Sequence[str]]) -> list[Proposal]:
    """A field for each column, each field at most once, the surest pairs first."""
    columns = [[row[i].strip() for row in samples if i < len(row)] for i in range(len(headers))]
    scored = [
        (_score(header, field, columns[i]), i, field.name) for i, header in enumerate(headers) for field in FIELDS[kind]
    ]
    taken: dict[int, tuple[str, float]] = {}
    used: set[str] = set()
    for score, i, name in sorted(scored, key=lambda s: -s[0]):
        if score >= 0.6 and i not in taken and name not in used:
            taken[i] = (name, score)
            used.add(name)
    return [
        Proposal(header, taken[i][0] if i in taken else None, taken[i][1] if i in taken else 0.0, _three(columns[i]))
        for i, header in enumerate(headers)
    ]


def _three(values: Sequence[str]) -> tuple[str, ...]:
    """The first three different values that are something."""
    return tuple(dict.fromkeys(v[:60] for v in values[:200] if v))[:3]


def _score(header: str, field: Field, values: Sequence[str]) -> float:
    """How well a header's words and its column's values suit a field."""
    names = (normalised(field.name), normalised(field.label), *field.synonyms)
    by_name = max(_likeness(normalised(header), name) for name in names)
    return by_name * (0.35 + 0.65 * _fit(field, values)) if by_name > 0.6 else 0.0


@lru_cache(1 << 15)
def _likeness(theirs: str, ours: str) -> float:
    """1 for the same words, nearly 1 for the same letters, less for similar ones."""
    if theirs == ours:
        return 1.0
    if theirs.replace(" ", "") == ours.replace(" ", ""):
        return 0.97
    matcher = SequenceMatcher(None, theirs, ours)
    is_near = matcher.real_quick_ratio() > 0.7 and matcher.quick_ratio() > 0.7
    return 0.85 * matcher.ratio() if is_near else 0.0


def _fit(field: Field, values: Sequence[str]) -> float:
    """The share of values that are of the field's type; unknown counts as nearly fitting."""
    pattern = _TYPE_PATTERNS.get(field.type)
    told = [v for v in values[:200] if v.lower() not in _NOTHING]
    if not told:
        return 0.8
    if pattern is None:
        return 1.0
    return sum(bool(pattern.match(v)) for v in told) / len(told)


def looks_two_ways(values: Sequence[str]) -> bool:
    """Whether dates among the values can be read two ways, with nothing that tells which."""
    found = [v for v in values if re.match(TWO_WAYS, v)]
    numbers = [re.split(r"[-/. ]", v)[:2] for v in found]
    return bool(found) and all(int(first) <= 12 and int(second) <= 12 for first, second in numbers)


# --- checking and planning ----------------------------------------------------------------------------------------


def checked(kind: Kind, headers: Sequence[str], mapping: Mapping[str, str | None], options: Mapping[str, Any]) -> None:
    """Refuse a mapping that cannot be used.

    Raises:
        InvalidInput: a required field is missing, a field is filled twice, or an option says what cannot be.
    """
    if wrong := _wrong_options(kind, options):
        raise InvalidInput(wrong)
    targets = [target for header, target in mapping.items() if target and header in headers]
    for target in targets:
        name, _, dated = target.partition("@")
        field = field_of(kind, name)
        if field is None or (dated and (not field.is_dated or not _is_date(dated))):
            wrong[target] = f"“{target}” is not a field of this kind of file."
        if targets.count(target) > 1:
            wrong[target] = f"Two columns fill “{field.label if field else target}”: choose one."
    wrong |= _missing(kind, targets, options)
    if wrong:
        raise InvalidInput(wrong)


def _wrong_options(kind: Kind, options: Mapping[str, Any]) -> dict[str, str]:
    """What options say that cannot be so; an unknown word would otherwise be read as something else."""
    wrong: dict[str, str] = {}
    if unknown := [name for name in options if name not in OPTIONS]:
        wrong["options"] = f"Unknown option: {', '.join(unknown)}."
    if (options.get("date_order") or "dmy") not in ("dmy", "mdy"):
        wrong["date_order"] = "The order of dates is dmy or mdy."
    if (options.get("decimal") or ".") not in (".", ","):
        wrong["decimal"] = "The decimal sign is a point or a comma."
    if not re.fullmatch(r"[1-9]\d{0,3}", str(options.get("phone_country") or "91")):
        wrong["phone_country"] = "The country of phone numbers is its dialling code, such as 91."
    for name in ("number_prefix", "product"):
        if not isinstance(options.get(name) or "", str):
            wrong[name] = f"The option {name} is a text."
    if not isinstance(options.get("derive", False), bool):
        wrong["derive"] = "The option derive is true or false."
    if options.get("derive") and kind is not Kind.SCHEDULE:
        wrong["derive"] = "Days past due are derived from a schedule: only for that kind of file."
    for name, told in (("constants", str | int | float), ("value_maps", Mapping)):
        held = options.get(name) or {}
        if not isinstance(held, Mapping) or not all(isinstance(each, told) for each in held.values()):
            wrong[name] = f"The option {name} is a JSON object, a field's name before each value."
        elif strangers := [field for field in held if field_of(kind, field.partition("__")[0]) is None]:
            wrong[name] = f"No field of this kind of file: {', '.join(strangers)}."
    return wrong


def _missing(kind: Kind, targets: Sequence[str], options: Mapping[str, Any]) -> dict[str, str]:
    filled = {*targets, *(options.get("constants") or {})}
    if options.get("number_prefix"):
        filled.add("loan_number")
    wrong = {
        field.name: f"Choose the column that holds “{field.label}”."
        for field in FIELDS[kind]
        if field.is_required and field.name not in filled
    }
    measures = {"dpd", "months_past_due", "reported_status"} & filled
    is_dated = any("@" in target for target in targets)
    if kind is Kind.SNAPSHOT and not measures and not is_dated:
        wrong["dpd"] = "Choose the column with the days or months past due."
    if measures and "as_of" not in filled and kind in (Kind.SNAPSHOT, Kind.LOAN_BOOK):
        wrong["as_of"] = "The file states where loans stand: choose the column with its date, or give the date."
    if kind is Kind.SCHEDULE and not filled & {"amount", "principal", "interest", "charges"}:
        wrong["amount"] = "Choose the column with the amount due."
    if kind is Kind.CONTACTS and not filled & {"phone", "whatsapp", "email", "address"}:
        wrong["phone"] = "Choose a column with a phone number, e-mail or address."
    if kind is Kind.CONTACTS and not filled & {"borrower_number", "loan_number"}:
        wrong["loan_number"] = "Choose the column that names the borrower or the loan."
    return wrong


def checked_months(
    kind: Kind, headers: Sequence[str], mapping: Mapping[str, str], *, measure: str, columns: int
) -> None:
    """Refuse to take the first of these columns for a measure month by month where they are not such.

    Raises:
        InvalidInput: there are fewer of them, or one fills another field.
    """
    if columns > len(headers):
        raise InvalidInput({"columns": f"From “{headers[0]}” on there are {len(headers)} columns, not {columns}."})
    for header in headers[:columns]:
        name = mapping.get(header, measure).partition("@")[0]
        if name != measure and (field := field_of(kind, name)):
            raise InvalidInput(
                {"columns": f"“{header}” fills “{field.label}”: begin at another column, or take fewer months."}
            )


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def plan_of(
    batch_id: int, kind: Kind, headers: Sequence[str], mapping: Mapping[str, str | None], options: Mapping[str, Any]
) -> Plan:
    """What statements need. Every field of the kind has a place, so that they read alike whatever the file holds."""
    position_of = {
        target: headers.index(header) + 1 for header, target in mapping.items() if target and header in headers
    }
    constants = {name: str(value) for name, value in (options.get("constants") or {}).items()}
    is_reporting = {"dpd", "months_past_due", "reported_status"} & (position_of.keys() | constants.keys())
    targets = []
    for field in FIELDS[kind]:
        position = position_of.get(field.name)
        if kind is Kind.LOAN_BOOK and field.name in ("outstanding", "overdue_amount") and not is_reporting:
            position = None  # a balance without a standing is an attribute of the loan
        targets.append(Target(field.name, field.type, position, constants.get(field.name), field.is_required))
    for target, position in position_of.items():
        name, _, dated = target.partition("@")
        if dated and (measure := field_of(kind, name)):
            on = date.fromisoformat(dated)
            targets.append(Target(f"{name}__{on:%Y%m%d}", measure.type, position, measure=name, as_of=on))
    ignored = frozenset(i for i, header in enumerate(headers, start=1) if header == REASON_HEADER)
    return Plan(batch_id, kind.value, headers, targets, options, ignored)
