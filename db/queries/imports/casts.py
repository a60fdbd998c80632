"""Text to typed values: one SQL expression for each type, built of constants; NULL when the text is not of the type.

Each expression tries the plain form first, since nearly every cell of a file is plain, and only then the others.
"""

from collections.abc import Mapping
from typing import Any

SQL_TYPES = {
    "text": "text",
    "amount": "numeric(16,2)",
    "rate": "numeric(9,4)",
    "integer": "integer",
    "date": "date",
    "moment": "timestamptz",
    "flag": "boolean",
    "phone": "text",
    "email": "text",
}
NOT_AVAILABLE = "#N/A"
"""What spreadsheets show where nothing was looked up: no value in any column, also not in one of text."""
_NOTHING = "'na','n/a','#n/a','nan','null','none','nil','-','--','nat','not available'"


def cleaned(column: str) -> str:
    """The cell without what surrounds it: spaces, also unbreakable ones, the apostrophe exports put before formulas."""
    bare = f"CASE WHEN {column} LIKE '''%' THEN regexp_replace({column}, '^''(?=[=+@\\t-])', '') ELSE {column} END"
    return f"nullif(btrim({bare}, E' \\t\\r\\n\\u00a0\\u202f\\ufeff'), '')"


def is_something(cell: str) -> str:
    """Whether a cleaned cell of a type other than text says anything: the words for nothing do not."""
    return f"({cell} IS NOT NULL AND lower({cell}) NOT IN ({_NOTHING}))"


def value(cell: str, type_: str, options: Mapping[str, Any]) -> str:
    """The typed value of a cleaned cell, NULL when it is none."""
    makers = {
        "text": lambda: f"nullif({cell}, '{NOT_AVAILABLE}')",
        "amount": lambda: f"{_number(cell, options, whole=14)}::numeric(16,2)",
        "rate": lambda: f"{_number(cell, options, whole=5)}::numeric(9,4)",
        "integer": lambda: _integer(cell),
        "date": lambda: _date(cell, options),
        "moment": lambda: _moment(cell, options),
        "flag": lambda: _flag(cell),
        "phone": lambda: _phone(cell, options),
        "email": lambda: f"CASE WHEN {cell} ~ '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$' THEN lower({cell}) END",
    }
    return makers[type_]()


def _number(cell: str, options: Mapping[str, Any], *, whole: int) -> str:
    """Plain digits, else currency signs, grouping and brackets taken away.

    What the column could not hold is none: `whole` digits before the point, one less with decimals that may round up.
    """
    comma = options.get("decimal") == ","
    rest = f"translate({cell}, '0123456789', '')"
    plain = f"CASE WHEN {rest} = '' AND length({cell}) <= {whole} THEN {cell}::numeric"
    if not comma:
        at_point = f"length({cell}) BETWEEN 2 AND 14 AND strpos({cell}, '.') <= {whole}"
        plain += f" WHEN {rest} = '.' AND {at_point} THEN {cell}::numeric"
    # ₹ 1,23,456.78 / (500) / 500- / 12.5 % / 1.2e3 / 1.1e-13, which sums in spreadsheets leave in place of nothing
    stripped = rf"regexp_replace({cell}, '(₹|rs\.?|inr|usd|eur|ngn|\$|€|£|₦|%|[\s\u00a0\u202f]|/-$)', '', 'gi')"
    signed = (
        rf"CASE WHEN {stripped} ~ '^\(.*\)$' THEN '-' || btrim({stripped}, '()') "
        rf"WHEN {stripped} ~ '^[^-]+-$' THEN '-' || rtrim({stripped}, '-') ELSE {stripped} END"
    )
    group, point = (r"\.", ",") if comma else (",", r"\.")
    grouped = rf"^[-+]?\d{{1,3}}({group}\d{{2,3}})*{group}\d{{3}}({point}\d*)?$"
    fits = rf"^[-+]?({group}?\d){{1,{whole - 1}}}({point}\d{{0,60}})?$"
    simple = rf"^[-+]?\d{{1,{whole - 1}}}({point}\d{{0,60}})?$"
    exponent = rf"^-?\d(\.\d{{1,60}})?[eE](\+?0?[0-{min(9, whole - 2)}]|-\d{{1,3}})$"
    without = f"replace({signed}, '{'.' if comma else ','}', '')"
    digits = f"replace({without}, ',', '.')" if comma else without
    return (
        rf"({plain} WHEN {cell} IS NULL THEN NULL "
        rf"WHEN {signed} ~ '{grouped}' AND {signed} ~ '{fits}' OR {signed} ~ '{simple}' THEN ({digits})::numeric "
        rf"WHEN {cell} ~ '{exponent}' THEN {cell}::numeric END)"
    )


def _integer(cell: str) -> str:
    bare = rf"regexp_replace({cell}, '\s*(months?|mths?|days?|d|m)$', '', 'i')"
    return (
        f"(CASE WHEN translate({cell}, '0123456789', '') = '' AND length({cell}) < 10 THEN {cell}::integer "
        rf"WHEN {cell} IS NULL THEN NULL WHEN {cell} ~ '^-\d{{1,9}}$' THEN {cell}::integer "
        rf"WHEN {bare} ~ '^-?\d{{1,9}}(\.0*)?$' THEN split_part({bare}, '.', 1)::integer "
        rf"WHEN {bare} ~ '^\d{{1,3}}(,\d{{2,3}})+$' THEN replace({bare}, ',', '')::integer END)"
    )


TWO_WAYS = r"^\d{1,2}[-/. ]\d{1,2}[-/. ](\d{4}|\d{2})($|[ T])"
"""Dates whose day and month look alike."""


def _date(cell: str, options: Mapping[str, Any]) -> str:
    iso = f"left({cell}, 10)"
    part = [rf"(regexp_match({cell}, '^(\d{{1,2}})[-/. ](\d{{1,2}})[-/. ](\d{{4}}|\d{{2}})'))[{n}]" for n in (1, 2, 3)]
    year = f"(CASE WHEN length({part[2]}) = 4 THEN {part[2]} WHEN {part[2]} >= '70' THEN '19' || {part[2]} ELSE '20' || {part[2]} END)"
    order = options.get("date_order")
    day, month = (part[1], part[0]) if order == "mdy" else (part[0], part[1])
    typed = f"{year} || '-' || {month} || '-' || {day}"
    two_ways = f"WHEN {cell} ~ '{TWO_WAYS}' THEN " + (_if_date(typed) if order else "NULL")
    named = rf"replace(replace({cell}, '-', ' '), ',', ' ')"
    return (
        f"(CASE WHEN {cell} LIKE '____-__-__' THEN {_if_date(cell)} "
        f"WHEN {cell} LIKE '____-__-__ %' OR {cell} LIKE '____-__-__T%' THEN {_if_date(iso)} "
        rf"WHEN {cell} IS NULL THEN NULL {two_ways} "
        rf"WHEN {cell} ~ '^\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}($|[ T])' THEN {_if_date(rf'''split_part(translate({cell}, '/.T', '-- '), ' ', 1)''')} "
        rf"WHEN {cell} ~ '^(19|20)\d{{6}}$' THEN {_if_date(cell)} "
        rf"WHEN {cell} ~ '^\d{{1,2}}[- ]?[A-Za-z]{{3,9}}[-, ]+(\d{{4}}|\d{{2}})' THEN {_if_date(named)} "
        rf"WHEN {cell} ~ '^[A-Za-z]{{3,9}} \d{{1,2}},? \d{{4}}$' THEN {_if_date(named)} "
        rf"WHEN {cell} ~ '^[A-Za-z]{{3,9}}[- ]\d{{4}}$' THEN {_month(f'''('1 ' || {named})''', options)} "
        rf"WHEN {cell} ~ '^\d{{1,2}}/\d{{4}}$' THEN {_month(f'''(split_part({cell}, '/', 2) || '-' || split_part({cell}, '/', 1) || '-1')''', options)} "
        rf"WHEN {cell} ~ '^\d{{4}}-\d\d$' THEN {_month(f'''({cell} || '-01')''', options)} END)"
    )


def _if_date(typed: str) -> str:
    return f"(CASE WHEN pg_input_is_valid({typed}, 'date') THEN ({typed})::date END)"


def _month(first_day: str, options: Mapping[str, Any]) -> str:
    """A month without a day is its first, or with the option `is_month_end` its last: figures stand at its end."""
    day = _if_date(first_day)
    return f"({day} + interval '1 month - 1 day')::date" if options.get("is_month_end") else day


def _moment(cell: str, options: Mapping[str, Any]) -> str:
    """A full ISO moment, else a date at midnight UTC."""
    return (
        rf"(CASE WHEN {cell} ~ '^\d{{4}}-\d\d-\d\d[ T]\d' AND pg_input_is_valid({cell}, 'timestamptz') THEN {cell}::timestamptz "
        rf"ELSE {_date(cell, options)}::timestamptz END)"
    )


def _flag(cell: str) -> str:
    return (
        f"(CASE WHEN lower({cell}) IN ('y','yes','true','t','1','opt-in','optin','given','granted','agreed','1.0') THEN true "
        f"WHEN lower({cell}) IN ('n','no','false','f','0','opt-out','optout','withdrawn','revoked','refused','0.0') THEN false END)"
    )


def _phone(cell: str, options: Mapping[str, Any]) -> str:
    """International form. Numbers without country are of the lender's (option `phone_country`, digits; default 91)."""
    country = str(options.get("phone_country", "91"))
    assert country.isdigit(), country
    digits = rf"regexp_replace(regexp_replace({cell}, '\.0$', ''), '[^0-9]', '', 'g')"
    national = r"^[6-9]\d{9}$" if country == "91" else r"^[1-9]\d{6,10}$"
    trunk = (  # a zero written after the country's code is not dialled (in Italy it is): search drops it too
        rf"WHEN {cell} ~ '^\s*\+' AND {digits} ~ '^{country}0+[1-9]\d{{5,11}}$' "
        rf"THEN '+{country}' || ltrim(substr({digits}, {len(country) + 1}), '0') "
        if country != "39"
        else ""
    )
    return (
        rf"(CASE WHEN {cell} ~ '[A-Za-z]' THEN NULL "
        f"{trunk}"
        rf"WHEN {cell} ~ '^\s*\+' AND {digits} ~ '^[1-9]\d{{7,14}}$' THEN '+' || {digits} "
        rf"WHEN {digits} ~ '^00[1-9]\d{{7,14}}$' THEN '+' || substr({digits}, 3) "
        rf"WHEN {digits} ~ '{national}' THEN '+{country}' || {digits} "
        rf"WHEN ltrim({digits}, '0') ~ '{national}' THEN '+{country}' || ltrim({digits}, '0') "
        rf"WHEN {digits} ~ '^{country}[1-9]\d{{6,11}}$' THEN '+' || {digits} END)"
    )
