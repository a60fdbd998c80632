"""Targets and costs on the performance page: what holds, and the forms that change it."""

from datetime import date
from decimal import Decimal

import streamlit as st

from components import money, notices, tables
from components.dates import day
from components.empty import empty
from components.form_fields import Places, done, drawn, request_key
from components.tables import Column
from services import performance
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.performance.definitions import COST_MEANING, TARGET_MEANING
from services.performance.plans import ITEMS, Plans


def show(actor: Actor, month: date) -> None:
    """Targets and costs that hold in a month, and forms for those who may change them."""
    seen = performance.plans(actor, month)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"##### Targets of {seen.month:%B %Y}", help=TARGET_MEANING)
        if seen.targets:
            rows = [{"name": target.name, "amount": target.amount} for target in seen.targets]
            columns = (Column("name", "Agent or product"), Column("amount", "To collect", "money"))
            tables.table(rows, columns, key="performance.targets")
        else:
            empty("No target is set for this month", "Performance is then shown without one.", icon=":material/flag:")
        if actor.may(Permission.SET_TARGETS):
            _target_form(actor, seen)
    with right:
        st.markdown("##### Costs of collection", help=COST_MEANING)
        if seen.costs:
            rows = [{"item": ITEMS[item], "amount": amount} for item, amount in seen.costs.items()]
            tables.table(rows, (Column("item", "Item"), Column("amount", "Cost", "money")), key="performance.costs")
        else:
            empty("No cost is set", "Cost to collect appears once one is.", icon=":material/payments:")
        if actor.may(Permission.SET_TARGETS):
            _cost_form(actor, seen)


def _target_form(actor: Actor, seen: Plans) -> None:
    name, places = drawn("performance.target"), Places()
    subjects = {("owner_id", key): person for key, person in seen.people.items()}
    subjects |= {("product_id", key): f"Product: {product}" for key, product in seen.products.items()}
    with st.form(name):
        chosen = st.selectbox(
            "Agent or product", list(subjects), format_func=subjects.__getitem__, key=f"{name}.subject"
        )
        places.under("subject")
        amount = st.number_input(
            "To collect in the month, empty to take the target away", value=None, step=1000.0, key=f"{name}.amount"
        )
        places.under("amount")
        is_sent = st.form_submit_button("Set target", type="primary", disabled=not subjects)
    if is_sent and chosen is not None:
        with places.showing_errors():
            performance.set_target(
                actor,
                seen.month,
                owner_id=chosen[1] if chosen[0] == "owner_id" else None,
                product_id=chosen[1] if chosen[0] == "product_id" else None,
                amount=_money(amount),
                request_key=request_key(name),
            )
            done(name)
            said = f"target {money.full(_money(amount))}" if amount is not None else "no target any more"
            notices.after_rerun(f"{subjects[chosen]}: {said} for {seen.month:%b %Y}")


def _cost_form(actor: Actor, seen: Plans) -> None:
    name, places = drawn("performance.cost"), Places()
    with st.form(name):
        item = st.selectbox("What costs", list(ITEMS), format_func=ITEMS.__getitem__, key=f"{name}.item")
        amount = st.number_input("Cost of one", value=None, min_value=0.0, step=1.0, key=f"{name}.amount")
        places.under("amount")
        st.caption(f"It holds from {day(seen.month)} until another is set for a later month.")
        is_sent = st.form_submit_button("Set cost", type="primary")
    if is_sent:
        with places.showing_errors():
            if (cost := _money(amount)) is None:
                raise InvalidInput({"amount": "Give the cost of one."})
            performance.set_cost(actor, item, from_month=seen.month, amount=cost, request_key=request_key(name))
            done(name)
            notices.after_rerun(f"{ITEMS[item]} costs {money.full(cost)} from {seen.month:%b %Y}")


def _money(typed: float | None) -> Decimal | None:
    """What was typed, to the hundredth."""
    return Decimal(str(typed)).quantize(Decimal("0.01")) if typed is not None else None
