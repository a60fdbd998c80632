"""The list of accounts: its filters, its table, its pages and its files."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import streamlit as st

from components import exports, money, palette, tables
from components.dates import day
from components.empty import empty
from components.portfolio_filters import segment_row
from components.portfolio_links import OF_LABELS, read_day, read_move
from components.tables import Column
from services.actors import Actor
from services.exports import Field
from services.portfolio import RISK_BANDS, FilterChoices, accounts
from services.portfolio.accounts import AccountFilter, AccountPage, AccountsOf, AccountTotals, Cursor, Move, SortBy
from services.portfolio.rolls import WAYS_OUT

BORROWER = "pages/borrower.py"
_SORTS = {
    "Largest overdue": SortBy.OVERDUE,
    "Longest past due": SortBy.DPD,
    "Largest outstanding": SortBy.OUTSTANDING,
    "Oldest record": SortBy.LOAN,
}
_CLASSES = {"standard": "Standard", "sma_0": "SMA-0", "sma_1": "SMA-1", "sma_2": "SMA-2", "npa": "NPA"}
_OUT = {"closed": WAYS_OUT[100], "written_off": WAYS_OUT[101], "gone": WAYS_OUT[102]}
"""What stands in the place of a bucket for accounts that left the book."""
_ROWS_SEEN = 16
_ANYWHERE = "anywhere"
_FILE = (
    Field("loan", "Loan"),
    Field("borrower", "Borrower"),
    Field("product", "Product"),
    Field("region", "Region"),
    Field("branch", "Branch"),
    Field("status", "Status"),
    Field("dpd", "Days past due"),
    Field("asset_class", "Class"),
    Field("overdue_amount", "Overdue"),
    Field("outstanding", "Outstanding"),
    Field("risk_band", "Risk band"),
    Field("disbursed_on", "Disbursed on"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is set to."""

    filter: AccountFilter
    sort: SortBy


def filters(actor: Actor, choices: FilterChoices) -> Wanted:
    """Two rows of filters: which accounts, and of which part of the book. All live in the URL."""
    move = read_move(st.query_params.get("move"))
    labels = {label: of for of, label in OF_LABELS.items()}
    with st.grid(6, min_column_width=150, gap="xsmall"):
        scope = segment_row(choices)
        of = _one("Accounts", "of", list(labels)) if move is None else next(iter(labels))
        picked = _buckets(choices) if move is None else []
        sort = _one("Order", "sort", list(_SORTS))
        attribute = _attribute(actor)
    codes = tuple(choices.bucket_labels.index(label) for label in picked)
    chosen = AccountFilter(
        scope=scope,
        of=labels[of],
        buckets=codes,
        as_of=read_day(st.query_params.get("day")),
        move=move,
        attribute=attribute,
    )
    return Wanted(chosen, _SORTS[sort])


def _one(label: str, key: str, options: list[str]) -> str:
    return st.selectbox(label, options, key=key, bind="query-params", label_visibility="collapsed") or options[0]


def _buckets(choices: FilterChoices) -> list[str]:
    return st.multiselect(
        "Buckets",
        choices.bucket_labels,
        key="bucket",
        bind="query-params",
        placeholder="All buckets",
        label_visibility="collapsed",
    )


def _attribute(actor: Actor) -> tuple[str, str] | None:
    """A column of the lender's own file and its value."""
    keys = accounts.attribute_keys(actor)
    if not keys:
        return None
    key = st.selectbox(
        "Own column",
        keys,
        index=None,
        key="column",
        bind="query-params",
        placeholder="Any own column",
        label_visibility="collapsed",
        help="Columns of your file that have no field here",
    )
    if key is None:
        return None
    value = st.selectbox(
        f"Value of {key}",
        accounts.attribute_values(actor, key),
        index=None,
        key="value",
        bind="query-params",
        placeholder=f"Any {key}",
        accept_new_options=True,
        label_visibility="collapsed",
    )
    return (key, value) if value else None


def heading(wanted: Wanted, found: AccountTotals, choices: FilterChoices) -> None:
    """How many accounts, which, and as of when; with a way back from a day or a move."""
    labels = {**dict(enumerate(choices.bucket_labels)), **WAYS_OUT}
    move, of = wanted.filter.move, wanted.filter.of
    if move is not None:
        which, when = _moved(move, labels, choices)
    else:
        which = _which(of, found)
        when = f"as of {day(wanted.filter.as_of)}" if wanted.filter.as_of else "as they stand now"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"##### {money.counted(found.accounts, 'account')} {which}, {when}", width="content")
        if move is not None or wanted.filter.as_of is not None:
            st.button("As they stand now", icon=":material/close:", key="accounts.now", on_click=_now, type="tertiary")


def _which(of: AccountsOf, found: AccountTotals) -> str:
    """What makes them these accounts; of promises their number too, since the figure counts promises."""
    if found.promises is not None:
        ended = "pending" if of is AccountsOf.PROMISE_PENDING else "broken this month"
        return f"with {money.counted(found.promises, 'promise')} {ended}"
    return f"· {OF_LABELS[of].lower() if of is not AccountsOf.NPA else 'NPA'}"


def _moved(move: Move, labels: dict[int, str], choices: FilterChoices) -> tuple[str, str]:
    """Where accounts were and where they went, and when; a stretch of buckets is told by its first and last."""
    names = [labels.get(code, str(code)) for code in move.from_buckets]
    start = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    between = f"between {day(move.opening_on)} and {day(move.closing_on)}"
    if move.is_forward:
        return f"that rolled forward from {start}", between
    ended = _ends(move.to, labels, choices)
    if ended == _ANYWHERE and len(names) > 1:
        return f"that were in {start} on {day(move.opening_on)}", f"as of {day(move.closing_on)}"
    return f"that went from {start} to {ended}", between


def _ends(to: tuple[int, ...], labels: dict[int, str], choices: FilterChoices) -> str:
    """Where accounts went, in few words where they went everywhere."""
    if labels.keys() <= set(to):
        return _ANYWHERE
    past_due = range(1, len(choices.bucket_labels))
    return "past due" if to == tuple(past_due) else ", ".join(labels.get(code, str(code)) for code in to)


def _now() -> None:
    for name in ("move", "day", "at"):
        if name in st.query_params:
            del st.query_params[name]


def table(page: AccountPage, choices: FilterChoices) -> int | None:
    """The page as a table; the borrower of the chosen row."""
    colours, of = palette.current(), len(choices.bucket_labels)
    shades = {label: colours.bucket(code, of) for code, label in enumerate(choices.bucket_labels)}
    columns = (
        Column("loan", "Loan", is_pinned=True, width=120),
        Column("borrower", "Borrower"),
        Column("dpd", "DPD", "number", width=70, help="Days since the oldest unpaid due date"),
        Column(
            "bucket", "Bucket", "chip", colours={**shades, **dict.fromkeys(_OUT.values(), colours.unknown)}, width=90
        ),
        Column("asset_class", "Class", width=80, help="RBI class at the day-end"),
        Column("overdue_amount", "Overdue", "money"),
        Column("outstanding", "Outstanding", "money", help="Principal not yet repaid"),
        Column("risk", "Risk", width=100),
        Column("product", "Product"),
        Column("region", "Region"),
        Column("branch", "Branch"),
        Column("disbursed_on", "Disbursed", "date"),
    )
    rows = [
        {
            **{name: getattr(account, name) for name in ("loan", "borrower", "dpd", "overdue_amount", "outstanding")},
            **{name: getattr(account, name) for name in ("product", "region", "branch", "disbursed_on", "borrower_id")},
            "bucket": _OUT.get(account.status) or choices.bucket_labels[min(account.bucket, of - 1)],
            "asset_class": _CLASSES.get(account.asset_class, account.asset_class),
            "risk": RISK_BANDS.get(account.risk_band, ""),
        }
        for account in page.accounts
    ]
    height = 560 if len(rows) > _ROWS_SEEN else None
    chosen = tables.table(rows, columns, key="accounts.table", select="borrower_id", height=height)
    return int(chosen) if chosen is not None else None


def nothing(actor: Actor, wanted: Wanted) -> None:
    """Said when the filter leaves no account, or the day has none to leave."""
    on = wanted.filter.as_of
    if on is not None and not accounts.is_kept(actor, on):
        empty(
            f"Nothing is kept of {day(on)}",
            "Accounts are kept as they stood at day-ends that were closed. Choose “As they stand now” above.",
            icon=":material/event_busy:",
        )
        return
    empty("No account matches these filters", "Remove a filter, or choose “All active”.", icon=":material/search_off:")


# --- pages: the position lives in the URL and holds for one filter only ---------------------------------------------


def cursor(wanted: Wanted) -> Cursor | None:
    """Where the page in the URL begins; None: the first, or the position is of another filter."""
    try:
        digest, value, loan_id, direction = st.query_params.get("at", "").split("~")
        if digest != _digest(wanted):
            return None
        return Cursor(Decimal(value), int(loan_id), is_backwards=direction == "b")
    except (ValueError, InvalidOperation):
        return None


def pager(wanted: Wanted, page: AccountPage) -> None:
    """First, previous, next."""
    if page.before is None and page.after is None:
        return
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        for label, icon, to in (
            ("First", ":material/first_page:", None),
            ("Previous", ":material/chevron_left:", page.before),
            ("Next", ":material/chevron_right:", page.after),
        ):
            st.button(
                label,
                icon=icon,
                key=f"accounts.{label.lower()}",
                type="tertiary",
                disabled=page.after is None if label == "Next" else page.before is None,
                on_click=_go,
                args=(wanted, to),
            )


def _go(wanted: Wanted, to: Cursor | None) -> None:
    if to is None:
        st.query_params.pop("at", None)
    else:
        st.query_params["at"] = "~".join(
            (_digest(wanted), str(to.value), str(to.loan_id), "b" if to.is_backwards else "f")
        )


def _digest(wanted: Wanted) -> str:
    return hashlib.sha256(repr(wanted).encode()).hexdigest()[:10]


def downloads(actor: Actor, wanted: Wanted, found: AccountTotals) -> None:
    """CSV and XLSX of all accounts that the filter leaves, confirmed when many; each file is in the audit trail."""
    if found.accounts > accounts.CONFIRM_ABOVE:
        most = min(found.accounts, accounts.EXPORT_LIMIT)
        capped = f", the first {money.count(most)}" if most < found.accounts else ""
        told = f"Allow a file of {money.count(most)} accounts{capped}; the audit trail keeps who took it"
        if not st.checkbox(told, key="accounts.confirm"):
            return
    move, on = wanted.filter.move, wanted.filter.as_of
    of_day = f" {move.opening_on} to {move.closing_on}" if move else f" {on}" if on else ""
    exports.downloads(
        f"Accounts{of_day}",
        lambda: accounts.export(actor, wanted.filter, sort=wanted.sort),
        columns=_FILE,
        key="accounts.export",
    )
