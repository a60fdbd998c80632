"""The forms of the users page: adding a user, and what may be done with one; each shows a one-time password once."""

import streamlit as st

from components import dates, form_fields, money, notices
from services import users
from services.actors import ROLE_PERMISSIONS, Actor, Role
from services.users import User

ROLES = (Role.AGENT, Role.LEADER, Role.ANALYST, Role.AUDITOR, Role.ADMIN)
_KEY = "users.one_time_password"


def one_time_password() -> None:
    """The password of the user just created or reset, until it is dismissed or the page left."""
    told: tuple[str, str] | None = st.session_state.get(_KEY)
    if told is None:
        return
    username, password = told
    with st.container(border=True, key="users_one_time"):
        st.markdown(f":material/key: One-time password of **{username}**. It is shown only now; pass it on safely.")
        st.code(password, language=None)
        st.caption("It works for one sign-in, which asks for a password of their own.")
        st.button("Done, I have passed it on", on_click=_forget_password, key="users.told")


def _forget_password() -> None:
    del st.session_state[_KEY]


def _tell(username: str, password: str, message: str) -> None:
    st.session_state[_KEY] = (username, password)
    notices.after_rerun(message)


def role_name(role: Role) -> str:
    """'Agent: work the queue, ...': a role with the first things it may do."""
    may = sorted(ROLE_PERMISSIONS[role], key=list(type(next(iter(ROLE_PERMISSIONS[role])))).index)
    return f"{role.capitalize()}: {', '.join(may[:3])}"


def add(actor: Actor) -> None:
    """The form that creates a user; empty again once one is added."""
    form = form_fields.drawn("users")
    with (
        st.popover("Add user", icon=":material/person_add:", type="primary"),
        st.form("users.add", border=False, clear_on_submit=False),
    ):
        name = st.text_input("Name", key=f"{form}.name", placeholder="Ana Pereira", max_chars=100)
        username = st.text_input("User name", key=f"{form}.username", placeholder="ana.pereira", max_chars=40)
        email = st.text_input("E-mail (may be empty)", key=f"{form}.email", max_chars=200)
        role = st.selectbox("Role", ROLES, format_func=role_name, key=f"{form}.role")
        if st.form_submit_button("Add user", type="primary"):
            with notices.showing_errors():
                made = users.create(actor, username=username, name=name, role=role, email=email)
                form_fields.done(form)
                _tell(made.username, made.one_time_password, f"{notices.plain(name)} added as {role}.")


def actions(actor: Actor, user: User) -> None:
    """What may be done with the chosen user."""
    st.markdown(f"**{notices.plain(user.name)}** · {user.username} · {user.state}")
    with st.container(horizontal=True):
        _change_role(actor, user)
        _reset_password(actor, user)
        if user.open_sessions:
            _end_sessions(actor, user)
        if user.locked_until is not None:
            _unlock(actor, user)
        if user.disabled_at is None:
            _disable(actor, user)
        else:
            _enable(actor, user)


def _change_role(actor: Actor, user: User) -> None:
    with st.popover("Change role", icon=":material/badge:"), st.form(f"users.role_of.{user.id}", border=False):
        role = st.selectbox("Role", ROLES, index=ROLES.index(user.role), format_func=role_name)
        if st.form_submit_button("Change role", type="primary"):
            with notices.showing_errors():
                users.change_role(actor, user.id, role, version=user.version)
                notices.after_rerun(f"{user.name} is {role} from now on.")


def _reset_password(actor: Actor, user: User) -> None:
    with st.popover("Reset password", icon=":material/key:"), st.form(f"users.reset.{user.id}", border=False):
        st.markdown(f"{notices.plain(user.name)} gets a one-time password, is unlocked, and is signed out everywhere.")
        if st.form_submit_button("Reset password", type="primary"):
            with notices.showing_errors():
                password = users.reset_password(actor, user.id, version=user.version)
                _tell(user.username, password, f"Password of {notices.plain(user.name)} reset.")


def _end_sessions(actor: Actor, user: User) -> None:
    if st.button("Sign out everywhere", icon=":material/logout:", key=f"users.end.{user.id}"):
        with notices.showing_errors():
            ended = users.end_sessions(actor, user.id)
            notices.after_rerun(f"{user.name} is signed out of {money.counted(ended, 'session')}.")


def _unlock(actor: Actor, user: User) -> None:
    until = dates.moment(user.locked_until)
    if st.button("Unlock", icon=":material/lock_open:", key=f"users.unlock.{user.id}", help=f"Locked until {until}"):
        with notices.showing_errors():
            users.unlock(actor, user.id)
            notices.after_rerun(f"{user.name} may try again.")


def _disable(actor: Actor, user: User) -> None:
    with st.popover("Disable", icon=":material/block:"), st.form(f"users.disable.{user.id}", border=False):
        st.markdown(
            f"{notices.plain(user.name)} can no longer sign in, and {user.open_sessions} open sessions end at once. "
            "What they did stays in the audit trail. You can enable them again."
        )
        reason = st.text_input("Reason", max_chars=200, placeholder="Left the company")
        if st.form_submit_button(f"Disable {notices.plain(user.name)}", type="primary"):
            with notices.showing_errors():
                users.disable(actor, user.id, reason=reason, version=user.version)
                notices.after_rerun(f"{user.name} is disabled.")


def _enable(actor: Actor, user: User) -> None:
    if st.button("Enable", icon=":material/check_circle:", key=f"users.enable.{user.id}"):
        with notices.showing_errors():
            users.enable(actor, user.id, version=user.version)
            notices.after_rerun(f"{user.name} may sign in again.")
