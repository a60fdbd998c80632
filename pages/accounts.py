"""The accounts behind a figure: filter, sort, sum, open one, take them out."""

import streamlit as st

from components import portfolio_accounts, portfolio_cached, portfolio_panels, tables
from components.guard import guard
from services.actors import Permission
from services.portfolio import accounts

actor = guard(Permission.VIEW_PORTFOLIO)
reads = portfolio_cached.reads(actor)
choices = reads.choices
if not choices.months:
    portfolio_panels.no_book(actor)
    st.stop()

wanted = portfolio_accounts.filters(actor, choices)
page = accounts.page(actor, wanted.filter, sort=wanted.sort, cursor=portfolio_accounts.cursor(wanted))
found = reads.totals(wanted.filter)
portfolio_accounts.heading(wanted, found, choices)
if not page.accounts:
    portfolio_accounts.nothing(actor, wanted)
    st.stop()

borrower_id = portfolio_accounts.table(page, choices)
sums = (("overdue", found.overdue_amount), ("outstanding", found.outstanding))
tables.totals(len(page.accounts), noun="accounts", of=found.accounts, sums=sums)
portfolio_accounts.pager(wanted, page)
portfolio_accounts.downloads(actor, wanted, found)
if borrower_id is not None:
    st.switch_page(portfolio_accounts.BORROWER, query_params={"borrower": str(borrower_id)})
