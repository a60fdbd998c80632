"""The performance page's filters and switches; each lives in the address, so that a link shows the same."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import streamlit as st

from components import allocation_cached, notices
from components.portfolio_filters import OWN, month_label, product_labels, value_label
from components.portfolio_links import ACCOUNTS, Query, account_query
from services.actors import Actor, Permission
from services.performance import NOBODY, Choices, Dimension, Performance, PerformanceFilter, Row, of_bucket
from services.portfolio import FilterChoices, PortfolioFilter
from services.portfolio.accounts import AccountFilter

QUEUE = "pages/queue.py"
MOST_MEMBERS = 12
"""Links to members' cases under a team or agency."""


class View(StrEnum):
    """The parts of the page."""

    FIGURES = "Figures"
    FOLLOW_UPS = "Follow-ups"
    PLANS = "Targets and costs"
    REPORTS = "Reports"


BY = {
    Dimension.AGENT: "Agent",
    Dimension.TEAM: "Team",
    Dimension.AGENCY: "Agency",
    Dimension.BUCKET: "Bucket",
    Dimension.PRODUCT: "Product",
    Dimension.REGION: "Region",
}


def view_switch() -> View:
    """Which part of the page."""
    label = st.segmented_control(
        "View",
        [view.value for view in View],
        default=View.FIGURES.value,
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    return View(label or View.FIGURES)


def month_choice(choices: Choices) -> date | None:
    """The month, by its last closed day; None: the newest."""
    months = {month_label(close): close for close in choices.months}
    label = st.selectbox(
        "Month",
        list(months),
        key="month",
        bind="query-params",
        label_visibility="collapsed",
        help="Figures run from the first of the month to its last closed day",
    )
    return months.get(label)


def row(choices: Choices, book: FilterChoices) -> PerformanceFilter:
    """Month, product, region and opening bucket."""
    products = {label: code for code, label in product_labels(book).items()}
    regions = {value_label(value): value for value in book.regions}
    buckets = {label: code for code, label in enumerate(book.bucket_labels)}
    with st.grid(4, min_column_width=150, gap="xsmall"):
        month = month_choice(choices)
        of_products = _several(f"{OWN}product", "products", list(products))
        of_regions = _several(f"{OWN}region", "regions", list(regions))
        of_buckets = _several(f"{OWN}bucket", "opening buckets", list(buckets))
    return PerformanceFilter(
        scope=PortfolioFilter(
            products=tuple(products[label] for label in of_products),
            regions=tuple(regions[label] for label in of_regions),
        ),
        buckets=tuple(buckets[label] for label in of_buckets),
        month=month,
    )


def _several(key: str, noun: str, options: list[str]) -> list[str]:
    if len(options) < 2:
        return []
    return st.multiselect(
        noun.capitalize(),
        options,
        key=key,
        bind="query-params",
        placeholder=f"All {noun}",
        label_visibility="collapsed",
        help="The borrower's worst bucket at the day-end before the month" if key == f"{OWN}bucket" else None,
    )


def dimension_switch(choices: Choices) -> Dimension:
    """What the figures are told apart by."""
    by_label = {BY[dimension]: dimension for dimension in choices.dimensions}
    label = st.segmented_control(
        "By",
        list(by_label),
        default=BY[Dimension.AGENT],
        required=True,
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    return by_label.get(label or "", Dimension.AGENT)


def drill(actor: Actor, seen: Performance, key: str, chosen: PerformanceFilter, book: FilterChoices) -> None:
    """The way from a row to its cases or accounts."""
    row = next((row for row in seen.rows if row.key == key), None)
    if row is None:
        return
    if seen.dimension is Dimension.AGENT:
        query = _queue_query(actor, row.key, chosen, book)
        if query is not None:
            st.page_link(
                QUEUE,
                label=f"See the open cases of {_whose(row)} in the queue",
                icon=":material/format_list_numbered:",
                query_params=query,
            )
        return
    if seen.dimension in {Dimension.TEAM, Dimension.AGENCY}:
        _members(actor, row, seen.members.get(key, ()), chosen, book)
        return
    accounts = _behind(seen, row, chosen, book)
    if accounts is not None:
        fell_due = seen.dimension is Dimension.BUCKET and row.key == "0"
        st.page_link(
            ACCOUNTS,
            label="See the accounts that fell due and are past due"
            if fell_due
            else f"See the accounts of {_whose(row)}",
            icon=":material/table_rows:",
            query_params=account_query(accounts, book),
        )


def _whose(row: Row) -> str:
    return row.name.lower() if row.key == NOBODY else notices.plain(row.name)


def _members(actor: Actor, row: Row, members: Sequence[int], chosen: PerformanceFilter, book: FilterChoices) -> None:
    """The ways to the cases of each who had some in the month; those that nobody had, by the row of nobody."""
    owners = [NOBODY] if row.key == NOBODY and not members else [str(member) for member in members]
    links = [(owner, query) for owner in owners if (query := _queue_query(actor, owner, chosen, book)) is not None]
    if not links:
        return
    st.caption(f"Open cases in the queue, {_whose(row)}:")
    with st.container(horizontal=True, gap="small"):
        for _, query in links[:MOST_MEMBERS]:
            st.page_link(QUEUE, label=str(query["owner"]), icon=":material/format_list_numbered:", query_params=query)
    if len(links) > MOST_MEMBERS:
        st.caption(f"The first {MOST_MEMBERS} of {len(links)}. See the others by agent.")


def _queue_query(actor: Actor, owner: str, chosen: PerformanceFilter, book: FilterChoices) -> Query | None:
    """The queue's own filters, as it calls them; None: not the actor's to see, or an owner who works no cases now."""
    if not (actor.may(Permission.WORK_QUEUE) and actor.may(Permission.ALLOCATE_CASES)):
        return None
    called = {str(worker.id): allocation_cached.called(worker) for worker in allocation_cached.workers(actor)}
    if owner != NOBODY and owner not in called:
        return None
    query: Query = {"owner": "Unallocated" if owner == NOBODY else called[owner]}
    buckets = [book.bucket_labels[bucket] for bucket in chosen.buckets if bucket]
    if buckets:
        query["bucket"] = buckets
    if len(chosen.scope.regions) == 1 and chosen.scope.regions[0]:
        query["region"] = chosen.scope.regions[0]
    if len(chosen.scope.products) == 1:
        query["product"] = book.products[chosen.scope.products[0]]
    return query


def _behind(seen: Performance, row: Row, chosen: PerformanceFilter, book: FilterChoices) -> AccountFilter | None:
    """The accounts of a bucket, product or region; None: a team, or a value with no accounts of its own."""
    scope, buckets = chosen.scope, chosen.buckets
    if seen.dimension is Dimension.BUCKET:
        labels = len(book.bucket_labels)
        return of_bucket(int(row.key), as_of=seen.as_of, closes=book.months, scope=scope, buckets=labels)
    if seen.dimension is Dimension.PRODUCT:
        codes = tuple(code for code, product in book.products.items() if product == row.name)
        return AccountFilter(scope=PortfolioFilter(codes, scope.regions), buckets=buckets) if codes else None
    if seen.dimension is Dimension.REGION and row.key:
        return AccountFilter(scope=PortfolioFilter(scope.products, (row.key,)), buckets=buckets)
    return None
