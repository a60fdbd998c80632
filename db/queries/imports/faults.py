"""What is wrong with the rows of a file, each for itself: conditions on typed values, and the codes they are known by.

`faults` holds 'field:code' separated by ';' for rows that cannot be taken, `notes` what is left out of rows that can. In
the conditions t is a row (x_... the cleaned cells behind its values), l the loan and b the borrower it refers to.
"""

from db.queries.imports import casts
from db.queries.imports.plan import Plan, Target

_CODES = {"amount": "number", "rate": "number", "integer": "whole", "date": "date", "moment": "date", "flag": "flag"}
_INDEXED = ("product", "region", "branch", "city", "state", "language")
"""Text that is looked up and counted by: an index holds no more than some thousand bytes of all of it."""
_NAMES = ("borrower_name", "party_name")
_DAYS_AT_MOST, _MONTHS_AT_MOST = 36_525, 1200
"""A century past due."""
_FORMULA_ERRORS = (
    "'#REF!', '#VALUE!', '#DIV/0!', '#NAME?', '#NUM!', '#NULL!', '#SPILL!', '#CALC!', '#FIELD!', '#BLOCKED!'"
)
"""What spreadsheets show where a formula failed; in columns that are no text they are no number, date and so on."""
_AMOUNTS = ("amount", "principal", "interest", "charges")
_REPORTED = ("dpd", "months_past_due", "reported_status")
STATUS = (
    "CASE WHEN lower(split_part({0}, ':', 1)) IN ('active','current','open','live','regular','standard','overdue','a') THEN 'active' "
    "WHEN lower(split_part({0}, ':', 1)) IN ('closed','fully paid','paid','paid off','foreclosed','settled','matured','c') THEN 'closed' "
    "WHEN lower(split_part({0}, ':', 1)) IN ('written_off','written off','write off','write-off','charged off','w') THEN 'written_off' END"
)


def columns(plan: Plan) -> str:
    """Columns `faults` and `notes`; the texts are only made for rows that have any."""
    hard = [("t.fault IS NOT NULL", "t.fault")]
    soft: list[tuple[str, str]] = []
    for target in plan.targets:
        found = _faults_of(plan, target)
        if plan.fills(target):
            soft.append((f"t.x_{target.name} = '{casts.NOT_AVAILABLE}'", f"'{target.name}:not_available'"))
        is_soft = plan.kind == "loan_book" and target.type in ("phone", "email")
        (soft if is_soft else hard).extend((condition, f"'{target.name}:{code}'") for condition, code in found)
    hard += [(condition, f"'{code}'") for condition, code in _of_kind(plan)]
    return f"{_listing(hard)} AS faults, {_listing(soft)} AS notes"


def _listing(faults: list[tuple[str, str]]) -> str:
    if not faults:
        return "NULL::text"
    every = " OR ".join(f"({condition})" for condition, _ in faults)
    each = ", ".join(f"CASE WHEN {condition} THEN {name} END" for condition, name in faults)
    return f"CASE WHEN {every} THEN concat_ws(';', {each}) END"


def _faults_of(plan: Plan, target: Target) -> list[tuple[str, str]]:
    """Conditions and codes of one field by its type."""
    name = f"t.{target.name}"
    if not plan.fills(target):
        return [("true", "missing")] if target.is_required else []
    found: list[tuple[str, str]] = []
    if target.type == "text":
        if target.is_required:
            found.append((f"{name} IS NULL", "missing"))
        if target.name.endswith(("_number", "reference")) or target.name in _INDEXED:
            found.append((f"length({name}) > 100", "long"))
        if target.name in _NAMES:
            found.append((f"length({name}) > 200", "long_name"))
        found.append((f"{name} LIKE '#%' AND {name} IN ({_FORMULA_ERRORS})", "formula"))
        return found
    says = casts.is_something(f"t.x_{target.name}")
    if target.is_required:
        found.append((f"{name} IS NULL AND NOT {says}", "missing"))
    bad = f"{name} IS NULL AND {says}"
    if target.type in ("date", "moment") and not plan.options.get("date_order"):
        looks = f"t.x_{target.name} ~ '{casts.TWO_WAYS}'"
        found.append((f"{bad} AND {looks}", "order"))
        bad += f" AND NOT {looks}"
    found.append((bad, _CODES.get(target.type, target.type)))
    if target.type in ("date", "moment"):
        found.append((f"{name} NOT BETWEEN '1950-01-01' AND '2100-12-31'", "year"))
    is_balance = target.name.startswith("outstanding")  # overpaid loans have a credit balance
    if target.type in ("amount", "rate", "integer") and plan.kind != "payments" and not is_balance:
        found.append((f"{name} < 0", "negative"))
    return found


def _says_nothing(*names: str) -> str:
    """Whether the cells of all these fields are empty or hold words for nothing."""
    return f"NOT ({' OR '.join(casts.is_something(f't.x_{name}') for name in names)})"


def _of_kind(plan: Plan) -> list[tuple[str, str]]:
    makers = {"loan_book": _of_loan_book, "schedule": _of_schedule, "payments": _of_payments, "contacts": _of_contacts}
    return makers.get(plan.kind, _of_snapshot)(plan)


def _of_loan_book(plan: Plan) -> list[tuple[str, str]]:
    found = [
        ("t.closed_on < t.disbursed_on", "closed_on:before"),
        ("t.maturity_on < t.disbursed_on", "maturity_on:before"),
        ("t.closed_on < t.written_off_on", "closed_on:written_off"),
        ("t.tenure_months > 1200", "tenure_months:large"),
        ("t.interest_rate > 1000", "interest_rate:large"),
        (
            "t.borrower_number IS NOT NULL AND l.id IS NOT NULL AND b.id IS DISTINCT FROM l.borrower_id",
            "borrower_number:moved",
        ),
    ]
    return found + (_of_reported(plan) if plan.is_reported else [])


def _of_reported(plan: Plan) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if plan.has(*_REPORTED):
        found.append((f"t.as_of IS NULL AND {_says_nothing('as_of')}", "as_of:missing"))
    if plan.has("reported_status"):
        found.append(
            (
                f"t.reported_status IS NOT NULL AND ({STATUS.format('t.reported_status')}) IS NULL",
                "reported_status:unknown",
            )
        )
    most = {"dpd": _DAYS_AT_MOST, "months_past_due": _MONTHS_AT_MOST}
    measures = [(target.name, target.measure or target.name) for target in plan.targets]
    return found + [(f"t.{name} > {most[measure]}", f"{name}:large") for name, measure in measures if measure in most]


def _of_snapshot(plan: Plan) -> list[tuple[str, str]]:
    found = [("l.id IS NULL AND t.loan_number IS NOT NULL", "loan_number:unknown")]
    if not plan.dated:
        is_untold = "coalesce(t.dpd, t.months_past_due) IS NULL AND t.reported_status IS NULL"
        found.append((f"{is_untold} AND {_says_nothing('dpd', 'months_past_due')}", "dpd:missing"))
    return found + _of_reported(plan)


def _of_schedule(plan: Plan) -> list[tuple[str, str]]:
    # numbers are made for files without any, but not for rows: they would be taken by others
    unnumbered = [(f"t.number IS NULL AND {_says_nothing('number')}", "number:missing")] if plan.has("number") else []
    return [
        *unnumbered,
        ("l.id IS NULL AND t.loan_number IS NOT NULL", "loan_number:unknown"),
        (
            f"coalesce(t.amount, t.principal, t.interest, t.charges) IS NULL AND {_says_nothing(*_AMOUNTS)}",
            "amount:missing",
        ),
        (
            "t.amount < coalesce(t.principal, 0) + coalesce(t.interest, 0) + coalesce(t.charges, 0) - 0.05",
            "amount:less_than_parts",
        ),
        ("t.number > 32000", "number:large"),
    ]


def _of_payments(plan: Plan) -> list[tuple[str, str]]:
    # a day of grace: banks and their branches do not all change the date at once
    future = [(f"t.paid_on > DATE '{plan.today:%Y-%m-%d}' + 1", "paid_on:future")] if plan.today else []
    return [
        *future,
        ("l.id IS NULL AND t.loan_number IS NOT NULL", "loan_number:unknown"),
        ("t.amount = 0", "amount:zero"),
        ("t.entry IS NULL AND t.x_entry IS NOT NULL", "entry:unknown"),
        (
            "t.amount < 0 AND coalesce(t.entry, 'payment') = 'payment' AND t.reverses_reference IS NULL",
            "amount:negative",
        ),
        (
            "t.entry = 'reversal' AND coalesce(t.reverses_reference, t.reference) IS NULL",
            "reverses_reference:missing",
        ),
    ]


def _of_contacts(_plan: Plan) -> list[tuple[str, str]]:
    role = "regexp_replace(lower(t.party_role), '[^a-z]', '', 'g')"
    return [
        ("coalesce(t.borrower_number, t.loan_number) IS NULL", "borrower_number:missing"),
        (
            "coalesce(b.id, l.borrower_id) IS NULL AND coalesce(t.borrower_number, t.loan_number) IS NOT NULL",
            "borrower_number:unknown",
        ),
        (
            f"coalesce(t.phone, t.whatsapp, t.email, t.address) IS NULL AND {_says_nothing('phone', 'whatsapp', 'email')}",
            "phone:nothing",
        ),
        (
            f"t.party_role IS NOT NULL AND {role} NOT IN ('borrower','self','applicant','coborrower','coapplicant','guarantor')",
            "party_role:unknown",
        ),
        (f"{role} IN ('coborrower','coapplicant','guarantor') AND t.party_name IS NULL", "party_name:missing"),
    ]
