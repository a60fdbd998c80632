"""The web server: Streamlit within an ASGI application of ours, for the session cookie and the security headers.

Started by `manage.py run` as a process of its own: `python web.py`. `app.py` is the script that it serves.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from settings import settings

PROJECT = Path(__file__).resolve().parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _configure() -> None:
    """Give Streamlit what the settings say and what must not stand in a file; before Streamlit is imported."""
    from db.secrets import secret_key

    os.environ["STREAMLIT_SERVER_COOKIE_SECRET"] = secret_key()
    os.environ["STREAMLIT_SERVER_MAX_UPLOAD_SIZE"] = str(settings().upload_mb)
    if settings().host in LOOPBACK:  # a web page elsewhere must not reach this machine's server under a name of its own
        os.environ.setdefault("STREAMLIT_SERVER_ALLOWED_HOSTS", ",".join(LOOPBACK))


try:
    _configure()
except Exception as error:
    from ops.sentences import sentence_of

    if (sentence := sentence_of(error)) is None:
        raise
    sys.exit(f"recoup: {sentence}")

import streamlit as st  # noqa: E402 - after its configuration
from starlette.concurrency import run_in_threadpool  # noqa: E402
from starlette.datastructures import MutableHeaders  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import PlainTextResponse, RedirectResponse, Response  # noqa: E402
from starlette.routing import Route  # noqa: E402
from starlette.types import ASGIApp, Message, Receive, Scope, Send  # noqa: E402
from streamlit.runtime.pages_manager import PagesManager  # noqa: E402

from components import browser, notices  # noqa: E402
from ops import logs  # noqa: E402
from services import passwords, sessions  # noqa: E402

_CONTENT_SECURITY: Final = (
    "default-src 'self'",
    # Streamlit's own pages start with an inline script and compile expressions of charts
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self' ws: wss:",
    "worker-src 'self' blob:",
    "frame-src 'self'",
    "frame-ancestors 'none'",
    "form-action 'self'",
    "base-uri 'self'",
    "object-src 'none'",
)
_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(_CONTENT_SECURITY),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
}
_CLOSED = ("/_stcore/metrics",)
_FILES = re.compile(r"(/[^/]+)*/media/[^/]*")  # below whatever the address begins with
_LIBRARYS_OWN = "/static/"


class SecurityHeaders:
    """Adds the headers that browsers are told to keep, closes paths that are open by default, and guards files.

    Exports, letters and photos are served by Streamlit to whoever knows their address, and that stands in histories
    and logs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] in _CLOSED or (_is_file(scope["path"]) and not await _is_signed_in(Request(scope))):
            await PlainTextResponse("Not found", status_code=404)(scope, receive, send)
        else:
            await self.app(scope, receive, _adding_headers(send))


def _is_file(path: str) -> bool:
    """Whether a path is that of something a page offered to its user, rather than a part of the library's own pages."""
    return _FILES.fullmatch(path) is not None and _LIBRARYS_OWN not in path


async def _is_signed_in(request: Request) -> bool:
    token = request.cookies.get(browser.COOKIE)
    if not token:
        return False
    return await run_in_threadpool(sessions.check, token, counts_as_activity=False) is not None


def _adding_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, held in _HEADERS.items():
                headers[name] = held
            if settings().secure_cookies:
                headers["Strict-Transport-Security"] = "max-age=31536000"
        await send(message)

    return send_with_headers


async def start_session(request: Request) -> Response:
    """Exchange the ticket of a sign-in for the session's token, set it as a cookie, and go to the page asked for."""
    ticket = request.query_params.get("ticket", "")
    if not _is_from_here(request):
        return _elsewhere()
    token = await run_in_threadpool(sessions.exchange, ticket)
    answer = _going_to(_local_path(request.query_params.get("to", "/")))
    if token is not None:
        answer.set_cookie(
            browser.COOKIE,
            token,
            max_age=settings().session_hours * 3600,
            httponly=True,
            secure=settings().secure_cookies,
            samesite="strict",
            path="/",
        )
    return answer


async def end_session(request: Request) -> Response:
    """End the session in the store, whatever the page did before, and drop the cookie."""
    if not _is_from_here(request):
        return _elsewhere()
    token = request.cookies.get(browser.COOKIE)
    if token:
        await run_in_threadpool(sessions.sign_out, token)
    answer = _going_to("/")
    answer.delete_cookie(browser.COOKIE, httponly=True, secure=settings().secure_cookies, samesite="strict", path="/")
    return answer


def _is_from_here(request: Request) -> bool:
    """Whether a page of this server sent the browser: a link elsewhere must not sign anyone in or out."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("referer", "")).netloc == request.headers.get("host")


def _elsewhere() -> Response:
    return PlainTextResponse("Sign in on the application's own page.", status_code=403)


def _local_path(to: str) -> str:
    """A path on this server; anything else leads to the start."""
    parts = urlsplit(to)
    is_local = to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return to if is_local and "\\" not in to and "\n" not in to and "\r" not in to else "/"


def _going_to(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})


def _on_script_error(error: Exception) -> bool:
    """What no page caught: logged with a reference, shown without its inside."""
    notices.show_unforeseen(error)
    return True


browser.serve_routes()
PagesManager.uses_pages_directory = False  # else a cold server would run pages/x.py at /x without app.py: see the guard
app: Any = st.App(
    PROJECT / "app.py",
    routes=[
        Route(browser.START_ROUTE, start_session, methods=["GET"]),
        Route(browser.END_ROUTE, end_session, methods=["GET"]),
    ],
    middleware=[Middleware(SecurityHeaders)],
    on_script_error=_on_script_error,
)


def main() -> None:
    """Serve until stopped."""
    logs.configure()
    passwords.prepare()
    app.run(
        config={
            "server.address": settings().host,
            "server.port": settings().port,
            "server.headless": True,
            "server.fileWatcherType": "none",
        }
    )


if __name__ == "__main__":
    main()
