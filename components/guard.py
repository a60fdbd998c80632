"""The first line of every page: nothing is drawn unless the shell ran, the session holds, and the role permits.

A trap it closes: Streamlit runs `pages/x.py` at `/x` without `app.py` on a cold server, because of the folder's name.
Then the shell has not run; the guard turns that legacy path off and starts the run again, through `app.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from components import browser
from services import sessions
from services.actors import Actor, Permission
from services.errors import NotAllowed
from services.sessions import SignedIn

_KEY = "guard.signed_in"


def signed_in() -> SignedIn | None:
    """Whose browser this is, checked against the store now: session, limits, and the user's state and role."""
    token = browser.token()
    return sessions.check(token) if token else None


@contextmanager
def admitting(who: SignedIn) -> Iterator[None]:
    """Within, pages may run, for this actor; only the shell calls it, after it checked the session in this run."""
    st.session_state[_KEY] = who
    try:
        yield
    finally:
        del st.session_state[_KEY]


def guard(permission: Permission) -> Actor:
    """Admit the signed-in user to a page, or draw nothing of it.

    Args:
        permission: what the page needs; services ask again.

    Returns:
        The actor, to be passed to services.
    """
    who: SignedIn | None = st.session_state.get(_KEY)
    if who is None:
        _through_the_shell()
    assert who is not None  # _through_the_shell does not return
    if not who.actor.may(permission):
        _no_permission(who.actor, permission)
    return who.actor


def still(actor: Actor) -> bool:
    """Whether the actor's session still holds; for fragments that refresh by themselves, which run without the shell.

    A refresh does not count as activity. When the session is over the fragment should draw nothing.
    """
    return _holds(actor, counts_as_activity=False)


def again(actor: Actor) -> None:
    """The first line of a fragment with fields or buttons: a click there runs without the shell, whoever is out by now.

    Whose session is over, or who has another role, is led through the shell; nothing of the fragment runs.
    """
    if not _holds(actor, counts_as_activity=True):
        st.rerun()


def when_pressed(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """What a download button makes when it is pressed, for whoever may have it then.

    A button waits in an open tab for as long as the tab does, and pressing it runs neither page nor shell: a session
    that is over by then, or that has another role, gets no file.

    Args:
        make: reads and writes the file, with the actor that the page was drawn for.
    """
    token, drawn_for = browser.token(), _admitted_or_asked()

    def made() -> bytes:
        who = sessions.check(token) if token else None
        if who is None or who.actor != drawn_for:
            raise NotAllowed("Your session or your role has changed. Load the page again.")
        return make()

    return made


def _admitted_or_asked() -> Actor | None:
    admitted: SignedIn | None = st.session_state.get(_KEY)
    if admitted is not None:
        return admitted.actor
    token = browser.token()  # a fragment that runs by itself
    who = sessions.check(token, counts_as_activity=False) if token else None
    return who.actor if who is not None else None


def _holds(actor: Actor, *, counts_as_activity: bool) -> bool:
    admitted: SignedIn | None = st.session_state.get(_KEY)
    if admitted is not None:  # the shell has asked in this run
        return admitted.actor == actor
    token = browser.token()
    who = sessions.check(token, counts_as_activity=counts_as_activity) if token else None
    return who is not None and who.actor == actor


def _through_the_shell() -> None:
    PagesManager.uses_pages_directory = False
    context = get_script_run_ctx()
    if context is not None and Path(context.main_script_path).name == "app.py":
        st.rerun()
    st.error("This page is opened through the application's address. Start at its first page.", icon=":material/lock:")
    st.stop()


def _no_permission(actor: Actor, permission: Permission) -> None:
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(":material/lock: **This page is not part of your role**", width="content")
        st.markdown(
            f"Your role ({actor.role}) may not {permission}. If you need to, ask an admin to change your role.",
            width="content",
        )
    st.stop()
