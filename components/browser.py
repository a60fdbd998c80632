"""The browser's side of a sign-in: the cookie that holds the session's token, and going to an address of ours.

Served by `web.py`, the token lives in a cookie that scripts cannot read, set and removed by two routes there. Run
without it (plain `streamlit run`, page tests), the token lives in the tab's server-side state and ends with the tab.
"""

from typing import Final
from urllib.parse import urlencode

import streamlit as st
from streamlit import config
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from services import sessions

COOKIE: Final = "recoup_session"
START_ROUTE: Final = "/session/start"
END_ROUTE: Final = "/session/end"
TAB_KEY: Final = "guard.token"

_routes_are_served = False


def serve_routes() -> None:
    """Tell that this process serves the cookie routes; `web.py` calls it."""
    global _routes_are_served  # noqa: PLW0603 - a fact of the process, set once at its start
    _routes_are_served = True


def token() -> str | None:
    """The session's token that the browser sent when it connected, if any."""
    held = st.session_state.get(TAB_KEY)
    if held is not None:
        return str(held)
    return st.context.cookies.get(COOKIE) if _routes_are_served else None


def keep(ticket: str) -> None:
    """Have the browser keep the session that `ticket` opened, and come back to the page it is on."""
    if _routes_are_served:
        go(f"{START_ROUTE}?{urlencode({'ticket': ticket, 'to': here()})}")
    else:
        st.session_state[TAB_KEY] = sessions.exchange(ticket)
        st.rerun()


def forget() -> None:
    """Have the browser drop the token, which the store has already ended."""
    if TAB_KEY in st.session_state:
        del st.session_state[TAB_KEY]
    if _routes_are_served:
        go(END_ROUTE)
    else:
        st.rerun()


def here() -> str:
    """Path and query of the page the browser is on."""
    page = st.session_state.get("shell.url_path", "")
    query = urlencode([(name, held) for name in st.query_params for held in st.query_params.get_all(name)])
    return f"/{page}?{query}" if query else f"/{page}"


def go(path: str) -> None:
    """Send the browser to a path of this server and end the run. The way Streamlit's own sign-in leaves a page."""
    base = str(config.get_option("server.baseUrlPath")).strip("/")
    context = get_script_run_ctx()
    if context is not None:
        message = ForwardMsg()
        message.auth_redirect.url = f"/{base}{path}" if base else path
        context.enqueue(message)
    st.stop()


def address() -> str | None:
    """Where the browser connects from, as far as the server knows; None for the same machine."""
    held = st.context.ip_address
    return held if isinstance(held, str) else None


def user_agent() -> str | None:
    """What the browser calls itself."""
    held = st.context.headers.get("User-Agent")
    return held if isinstance(held, str) else None
