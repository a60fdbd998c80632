"""What stops contact with a borrower, above everything else: complaints, holds of the region, holds of their own."""

import streamlit as st

from components import dates, notices, status_form
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.complaints import Complaint
from services.regional_holds import RegionalHold

plain = notices.plain


def show(actor: Actor, view: BorrowerView) -> None:
    """Each with its end, its reason, and the way to what ends it."""
    for complaint in view.complaints:
        _complaint(actor, complaint)
    for hold in view.regional_holds:
        _regional(hold)
    with_complaint = {complaint.hold_id for complaint in view.complaints}
    status_form.banners(actor, [hold for hold in view.holds if hold.id not in with_complaint])


def _complaint(actor: Actor, complaint: Complaint) -> None:
    clock = f"answer due {dates.day(complaint.due_on)}" if complaint.days_left is not None else "answered, to be closed"
    words = (
        f"**Complaint {complaint.number}** ({complaint.about_words.lower()}), received "
        f"{dates.day(complaint.received_on)}: no contact until it is closed · {clock}"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.warning(words, icon=":material/report:")
        if actor.may(Permission.VIEW_COMPLAINTS):
            st.page_link(
                "pages/complaints.py",
                label="Open complaint",
                icon=":material/open_in_new:",
                query_params={"complaint": str(complaint.id)},
            )


def _regional(hold: RegionalHold) -> None:
    st.warning(
        f"**{hold.label}** until {dates.day(hold.ends_on)}: no contact in {plain(hold.where)}. {plain(hold.reason)}",
        icon=":material/location_off:",
    )
