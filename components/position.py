"""Where the device is, when its user says so: the browser asks for leave, and the page hears the answer."""

from dataclasses import dataclass

import streamlit as st

from services.visits import Fix, Position

_HTML = """
<button type="button">
  <svg aria-hidden="true" width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2">
    <circle cx="12" cy="12" r="6"/><path d="M12 2v4M12 18v4M2 12h4M18 12h4"/>
  </svg>
  <span class="label"></span>
</button>
<span class="said" role="status"></span>
"""
_CSS = """
:host, div { font-family: var(--st-font); color: var(--st-text-color); }
button { display: inline-flex; align-items: center; gap: .5rem; font: inherit; cursor: pointer; min-height: 2.75rem;
  padding: .25rem .9rem; border-radius: .5rem; border: 1px solid var(--st-border-color);
  background: var(--st-secondary-background-color); color: var(--st-text-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.said { margin-left: .6rem; font-size: .9rem; }
"""
_JS = """
export default function ({ data, parentElement, setStateValue }) {
  const button = parentElement.querySelector("button");
  const said = parentElement.querySelector(".said");
  button.querySelector(".label").textContent = data.label;
  if (data.said) said.textContent = data.said;
  button.onclick = () => {
    if (!navigator.geolocation) {
      setStateValue("answer", { problem: "This browser does not know where it is." });
      return;
    }
    said.textContent = "Asking the device…";
    navigator.geolocation.getCurrentPosition(
      (found) => setStateValue("answer", {
        latitude: found.coords.latitude,
        longitude: found.coords.longitude,
        accuracy: Math.round(found.coords.accuracy),
        at: found.timestamp,
      }),
      (error) => {
        const words = {
          1: "The browser may not tell the position. Allow it in the browser's settings for this site.",
          2: "The device does not find its position just now.",
          3: "The device took too long to find its position. Try again under the open sky.",
        };
        setStateValue("answer", { problem: words[error.code] || "The position is not known." });
      },
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 0 },
    );
  };
}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device said."""

    fix: Fix | None
    problem: str | None


def ask(label: str, *, key: str) -> Answer:
    """A button that asks the device for its position; the answer stays until it is asked again."""
    held = st.session_state.get(key)
    answer = _answer(held.get("answer") if held else None)
    mount = st.components.v2.component("recoup_position", html=_HTML, css=_CSS, js=_JS)
    said = answer.problem or (_said(answer.fix) if answer.fix else "")
    result = mount(key=key, data={"label": label, "said": said}, default={"answer": None}, on_answer_change=_heard)
    return _answer(result.answer)


def _heard() -> None:
    """The value is read from the component's result; the callback makes it a part of it."""


def _said(fix: Fix) -> str:
    return f"Position known, exact to {fix.accuracy_m} m" if fix.accuracy_m is not None else "Position known"


def _answer(held: object) -> Answer:
    """What the browser sent, as far as it can be a position; anything may come from there."""
    if not isinstance(held, dict):
        return Answer(None, None)
    if isinstance(held.get("problem"), str):
        return Answer(None, str(held["problem"])[:200])
    try:
        position = Position(float(held["latitude"]), float(held["longitude"]))
        accuracy = max(int(held["accuracy"]), 0)
    except (KeyError, TypeError, ValueError, OverflowError):
        return Answer(None, None)
    is_on_earth = abs(position.latitude) <= 90 and abs(position.longitude) <= 180
    return Answer(Fix(position, min(accuracy, 1_000_000)), None) if is_on_earth else Answer(None, None)
