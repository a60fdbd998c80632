"""What forms share: a place under each field for what is wrong with it, and a key that tells a second submit."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from components import notices
from services import documents
from services.errors import InvalidInput

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.uploaded_file_manager import UploadedFile


class Places:
    """Places under the fields of a form; a refusal is shown at the field that it names."""

    def __init__(self) -> None:
        self._under: dict[str, DeltaGenerator] = {}

    def under(self, *fields: str) -> None:
        """Keep a place here, under the widget just drawn, for what is wrong with these fields."""
        place = st.empty()
        self._under.update(dict.fromkeys(fields, place))

    def tell(self, field: str, sentence: str) -> None:
        """Say under a widget what is wrong with its field."""
        self._under[field].markdown(f":red[:material/error: {notices.said(sentence)}]")

    @contextmanager
    def showing_errors(self) -> Iterator[None]:
        """Within, wrong fields are told under their widgets; any other refusal as everywhere."""
        with notices.showing_errors():
            try:
                yield
            except InvalidInput as error:
                rest = {}
                for field, sentence in error.fields.items():
                    if field in self._under:
                        self.tell(field, sentence)
                    else:
                        rest[field] = sentence
                if rest:
                    raise InvalidInput(rest) from error


def drawn(name: str) -> str:
    """The form as it is drawn now, to begin the keys of its fields: once its act is done, it is drawn anew and empty.

    Otherwise what was sent would still stand there, and Enter pressed again would send it as another act.
    """
    times = st.session_state.get(f"done.{name}", 0)
    return f"{name}#{times}" if times else name


def request_key(form: str) -> str:
    """The key of the form as it is drawn now: submitted twice it is the same, after `done` it is a new one."""
    key: str = st.session_state.setdefault(f"request.{form}", uuid4().hex)
    return key


def done(form: str) -> None:
    """The form's act is done: the next one is another act, in an empty form."""
    st.session_state.pop(f"request.{form}", None)
    name = form.partition("#")[0]
    st.session_state[f"done.{name}"] = st.session_state.get(f"done.{name}", 0) + 1


def upload(label: str, *, key: str, types: Collection[str] = documents.UPLOADS) -> "UploadedFile | None":
    """A file of the kinds and the size that are kept as documents; its name and content are checked when it is sent."""
    return st.file_uploader(label, type=list(types), max_upload_size=documents.MAX_MB, key=key)


def focus(container: str, form: str) -> None:
    """Put the cursor into the first field of a keyed container, once for each form, so that one can type at once.

    Args:
        container: key of the container.
        form: name of the form; another form in the same container is focused anew.
    """
    st.html(
        f"""<script>
        /* {form} */
        let tries = 100, kept = 0;  // a loaded machine draws the fields late, and may draw them twice
        const timer = setInterval(() => {{
          const box = document.querySelector('.st-key-{container}');
          const field = box?.querySelector('input:not([type=hidden]), textarea');
          const isIn = box?.contains(document.activeElement);
          if (isIn) kept += 1;
          if (kept > 10 || --tries < 0) {{ clearInterval(timer); return; }}
          // a phone is not scrolled away from what stands above a field that is out of sight
          const at = field?.getBoundingClientRect();
          const isNear = at && (innerWidth > 640 || (at.top >= 0 && at.bottom <= innerHeight));
          // who has gone elsewhere is left there; a field that was drawn anew has lost the cursor to nothing
          if (isNear && !isIn && (!kept || document.activeElement === document.body)) field.focus();
        }}, 100);
        </script>""",
        unsafe_allow_javascript=True,
    )
