"""Sign-in: the form of streamlit-authenticator in front of our own sessions, and the change of a one-time password."""

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit_authenticator import Authenticate

from components import browser, notices
from services import passwords, sessions, users
from services.errors import CollectionsError
from services.sessions import SignedIn

PRODUCT = "Recoup"


class _Door:
    """What the form asks whether a name and a password are right: the store, with its lock-out."""

    def __init__(self) -> None:
        self.refusal: str | None = None
        self.ticket: str | None = None

    def login(self, username: str = "", password: str = "", *_: Any, **__: Any) -> bool:
        """Whether a session was opened; called by the form when it is sent."""
        if not username or not password:
            self.refusal = "Type your user name and your password."
            return False
        try:
            self.ticket = sessions.sign_in(
                username, password, address=browser.address(), user_agent=browser.user_agent()
            )
        except CollectionsError as error:
            self.refusal = error.message
        return self.ticket is not None


class _OurCookie:
    """Stands where the library would keep a cookie of its own, which scripts can read and sign-out does not end."""

    def get_cookie(self) -> None:
        """No sign-in without a session of ours."""

    def set_cookie(self) -> None:
        """The ticket is exchanged after the form is drawn."""


class _Form(Authenticate):  # type: ignore[misc]  # the library is not typed
    """The library's sign-in form, with our door and our cookie in the place of its own."""

    def __init__(self, door: _Door) -> None:
        # its own __init__ would mount a cookie component and read credentials into session state
        self.authentication_controller = door
        self.cookie_controller = _OurCookie()
        self.attrs = {"login_sleep_time": 0}
        self.path = None
        self.secret_key = ""


def show() -> None:
    """The sign-in screen: nothing else is drawn for a stranger."""
    door = _Door()
    with _narrow():
        st.title(PRODUCT, anchor=False)
        fields = {"Form name": "Sign in", "Username": "User name", "Password": "Password", "Login": "Sign in"}
        _Form(door).login(location="main", fields=fields, key="sign_in")
        if door.refusal:
            st.error(door.refusal, icon=":material/error:")
        st.caption("Forgotten your password? An admin can give you a new one on the Users page.")
    if door.ticket:
        browser.keep(door.ticket)


def show_change_of_password(who: SignedIn, *, sign_out: Callable[[], None]) -> None:
    """The screen after a first sign-in: a password of one's own, its rules ticked off while it is typed."""
    with _narrow():
        st.title(PRODUCT, anchor=False)
        st.subheader("Choose a password of your own", anchor=False)
        st.markdown(
            f"Welcome, {notices.plain(who.actor.name)}. The password you were given works once; replace it to go on."
        )
        current = st.text_input(
            "Password you were given", type="password", key="first.current", autocomplete="current-password"
        )
        typed = st.text_input("New password", type="password", key="first.new", autocomplete="new-password", live=True)
        rules = passwords.rules(typed, username=who.username)
        st.markdown("  \n".join(_rule_line(rule) for rule in rules))
        again = st.text_input(
            "New password once more", type="password", key="first.again", autocomplete="new-password", live=True
        )
        is_same = bool(typed) and typed == again
        if again and not is_same:
            st.caption(":red[:material/close: the two are not the same yet]")
        is_ready = bool(current) and is_same and all(rule.is_met for rule in rules)
        pressed = st.button(
            "Change password and go on",
            type="primary",
            key="first.save",
            disabled=not is_ready,
            help=None if is_ready else "Fill all three fields and meet every rule first.",
        )
        if st.button("Sign out", type="tertiary", key="first.sign_out"):
            sign_out()
        if pressed:
            with notices.showing_errors():
                users.change_own_password(who.actor, current=current, new=typed)
                notices.after_rerun("Password changed.")


def _rule_line(rule: passwords.Rule) -> str:
    return f":green[:material/check: {rule.text}]" if rule.is_met else f":gray[:material/circle: {rule.text}]"


def _narrow() -> Any:
    """A column in the middle, as wide as a form; on a phone as wide as the screen."""
    with st.container(horizontal_alignment="center"):
        return st.container(width=420, key="sign_in_card")
