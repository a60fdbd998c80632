"""The frame around every page: sign-in, navigation by permission, who is signed in, the business date, notices."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from components import browser, dates, guard, notices, screens, sign_in
from services import lender, sessions
from services.actors import Actor
from services.sessions import SignedIn

PRODUCT = "Recoup"

_HERE = Path(__file__).parent
_STYLE = """
<style>
/* room: a tool used all day shows as much as it can */
[data-testid="stHeader"] { height: 2.4rem; min-height: 2.4rem; background: transparent; }
[data-testid="stToolbar"] { height: 2.4rem; min-height: 2.4rem; }
.block-container { padding: 2.4rem 1.4rem 2rem; max-width: none; }
[data-testid="stSidebarHeader"] { height: 3.2rem; margin-bottom: 0; }
[data-testid="stSidebarUserContent"] { padding: .5rem 0 1rem; }
h1, h2, h3, h4 { letter-spacing: -.01em; }
h1, h2, h3, h4 { padding-top: .2rem; padding-bottom: .3rem; }
/* figures stand under each other */
.block-container, [data-testid="stMetricValue"], [data-testid="stMetricDelta"] {
  font-variant-numeric: tabular-nums lining-nums;
}
[data-testid="stMetricLabel"] p { font-size: .85rem; }
/* a name without a space is broken where the line ends */
[data-testid="stHtml"], [data-testid="stMarkdownContainer"] { overflow-wrap: break-word; min-width: 0; }
/* keyboard users see where they are */
a:focus-visible, button:focus-visible, [role="tab"]:focus-visible {
  outline: 2px solid currentColor; outline-offset: 2px;
}
/* said over what stands in a narrow field */
.st-key-borrower_actions [data-testid="InputInstructions"] { display: none; }
/* the one act of the sign-in screen */
.st-key-sign_in_card { padding-top: 8vh; }
.st-key-sign_in_card [data-testid="stFormSubmitButton"] button {
  background: #1f5fa8; border-color: #1f5fa8; color: #fff; width: 100%;
}
.st-key-sign_in_card [data-testid="stFormSubmitButton"] button:hover { background: #184d8a; }
@media (max-width: 640px) {
  .block-container { padding: 2.6rem .75rem 2rem; }
  h1 { font-size: 1.35rem; } h2 { font-size: 1.15rem; } h3 { font-size: 1.02rem; }
  [data-testid="stMetricValue"] { font-size: 1.25rem; }
  .st-key-sign_in_card { padding-top: 1rem; }
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stElementContainer"] > [data-testid="stMetric"]) {
    gap: .6rem 2rem;
  }
  /* columns stand under each other: what is done stands before what is long */
  [data-testid="stColumn"]:has(:is(.st-key-borrower_actions, .st-key-complaint_actions, .st-key-legal_actions,
    .st-key-queue_invite)) { order: -1; }
}
</style>
"""


def run() -> None:
    """Draw the frame and, within it, the page that the address names, if the session and the role permit."""
    st.set_page_config(page_title=PRODUCT, page_icon=str(_HERE / "mark.svg"), layout="wide")
    st.logo(str(_HERE / "wordmark.svg"), icon_image=str(_HERE / "mark.svg"))
    st.html(_STYLE)
    browser.count_steps()
    who = guard.signed_in()
    page = _navigation(who.actor if who and not who.must_change_password else None)
    st.session_state["shell.url_path"] = page.url_path
    if who is None:
        sign_in.show()
    elif who.must_change_password:
        sign_in.show_change_of_password(who, sign_out=_sign_out)
    else:
        _frame(who)
        notices.show_pending()
        _draw(page, who)


def _navigation(actor: Actor | None) -> "st.Page":
    """Every screen is registered, so that an address can be kept through sign-in and refused in words by the guard.

    Only the permitted ones are offered. The first page is a way to the role's own landing screen, not a screen: so an
    address means the same page for every role.
    """
    offered = screens.permitted(actor) if actor else ()
    sections: dict[str, list[st.Page]] = {
        "": [st.Page(_to_landing(actor), title=PRODUCT, default=True, visibility="hidden")]
    }
    for screen in screens.available():
        page = st.Page(
            screen.file,
            title=screen.title,
            icon=screen.icon,
            url_path=screen.url_path,
            visibility="visible" if screen in offered else "hidden",
        )
        sections.setdefault(screen.section, []).append(page)
    return st.navigation(sections, position="sidebar" if actor else "hidden", expanded=True)


def _to_landing(actor: Actor | None) -> Callable[[], None]:
    def home() -> None:
        screen = screens.landing(actor) if actor else None
        if screen is not None:
            st.switch_page(str(screen.file))
        st.info("There is no page for your role yet. Ask an admin.", icon=":material/info:")

    return home


def _frame(who: SignedIn) -> None:
    settings = lender.current()
    with st.sidebar:
        closed = dates.relative(settings.closed_through, settings.today) if settings.closed_through else "not yet"
        lender_name = notices.plain(settings.name)
        st.caption(f"{lender_name}  \nBusiness date **{dates.day(settings.today)}** · closed through: {closed}")
        st.caption(f":material/person: {notices.plain(who.actor.name)} · {who.actor.role}")
        if st.button("Sign out", icon=":material/logout:", type="tertiary", key="shell.sign_out"):
            _sign_out()


def _sign_out() -> None:
    token = browser.token()
    if token:
        sessions.sign_out(token)
    browser.forget()


def _draw(page: "st.Page", who: SignedIn) -> None:
    with guard.admitting(who), notices.showing_errors():
        page.run()
