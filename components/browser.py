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

_COUNT_STEPS: Final = """<script>
if (!window.recoupCountsSteps) {
  window.recoupCountsSteps = true;
  let hasActed = false;
  for (const act of ['pointerdown', 'click', 'keydown']) {
    window.addEventListener(act, () => { hasActed = true; }, true);
  }
  window.addEventListener('popstate', () => { hasActed = false; }, true);
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  history.pushState = (state, title, url) => {
    const isOtherPage = new URL(url ?? '', location.href).pathname !== location.pathname;
    (isOtherPage && !hasActed ? replace : push)(state, title, url);
    hasActed = false;
  };
}
</script>"""

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


def count_steps() -> None:
    """Have one press of the browser's Back undo one act of the user; the shell asks for it on each run.

    Where the address of a page has parameters, Streamlit leaves it in two steps: first the parameters change, then the
    page. The one between is no place that anybody was at: it is a page with the parameters of another. So a change of
    page that no act of the user came before, since the address changed last, takes the place of the step before it.
    """
    st.html(_COUNT_STEPS, unsafe_allow_javascript=True)


def address() -> str | None:
    """Where the browser connects from, as far as the server knows; None for the same machine."""
    held = st.context.ip_address
    return held if isinstance(held, str) else None


def user_agent() -> str | None:
    """What the browser calls itself."""
    held = st.context.headers.get("User-Agent")
    return held if isinstance(held, str) else None
