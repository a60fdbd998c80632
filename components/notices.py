"""What the user is told about an act: errors where they happen, confirmations after the page is drawn anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn
from uuid import uuid4

import streamlit as st
import structlog

from components import money
from services.errors import CollectionsError, Conflict, InvalidInput
from services.store_refusals import refusal_of

_KEY = "notices.pending"
log = structlog.get_logger()


@contextmanager
def showing_errors() -> Iterator[None]:
    """Within, a refusal is shown as its sentence; anything unforeseen is logged and shown with a reference."""
    try:
        yield
    except InvalidInput as error:
        for sentence in error.fields.values():
            st.error(said(sentence), icon=":material/error:")
    except Conflict as error:
        st.warning(said(error.message), icon=":material/sync_problem:")
    except CollectionsError as error:
        st.error(said(error.message), icon=":material/block:")
    except Exception as error:  # noqa: BLE001 - the edge: nothing of the inside may reach the screen
        show_unforeseen(error)


def said(sentence: str) -> str:
    """A refusal's sentence as Markdown: its amounts as the lender writes them, and no link that a name brought."""
    return money.in_sentence(sentence).replace("$", "\\$").replace("[", "\\[")


def plain(words: str) -> str:
    """Text that people or files brought, as Markdown: signs in it are shown and not obeyed."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|<>~:$" else letter for letter in words)


def show_unforeseen(error: Exception) -> None:
    """Log an exception and tell the user its reference, nothing of its inside; or what the store could not take."""
    refused = refusal_of(error)
    if refused is not None:
        log.info("page.input_refused", reason=type(error).__name__)
        st.error(refused.message, icon=":material/error:")
        return
    reference = uuid4().hex[:8]
    log.error("page.failed", reference=reference, exc_info=error)
    st.error(
        f"Something went wrong. Try again; if it happens again, tell your administrator the reference **{reference}**.",
        icon=":material/error:",
    )


def after_rerun(message: str) -> NoReturn:
    """Draw the page anew and say `message`, plain text, once: what a form does after its write."""
    st.session_state[_KEY] = message
    st.rerun()


def show_pending() -> None:
    """Say what is waiting to be said; the shell calls it on each run."""
    message = st.session_state.pop(_KEY, None)
    if message:
        st.toast(plain(message), icon=":material/check_circle:")
