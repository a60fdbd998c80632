"""Users: who may sign in and as what; adding, disabling, resetting."""

import streamlit as st

from components import palette, tables, user_forms
from components.guard import guard
from components.tables import Column
from services import users
from services.actors import Permission

actor = guard(Permission.MANAGE_USERS)
everyone = users.all_users(actor)
colours = palette.current()
states = {
    "Active": colours.cured,
    "Invited": colours.due_soon,
    "Locked": colours.broken,
    "Disabled": colours.unknown,
}
columns = (
    Column("name", "Name", is_pinned=True),
    Column("username", "User name"),
    Column("role", "Role"),
    Column("state", "State", "chip", colours=states, help="Invited: has a one-time password, not yet changed"),
    Column("last_sign_in_at", "Last sign-in", "moment"),
    Column("open_sessions", "Open sessions", "number", help="Browsers signed in now"),
    Column("email", "E-mail"),
    Column("created_at", "Added", "moment"),
)

with st.container(horizontal=True, vertical_alignment="center", gap="large"):
    enabled = [user for user in everyone if user.disabled_at is None]
    signed_in = sum(1 for user in enabled if user.open_sessions)
    st.subheader(f"{len(enabled)} may sign in, {signed_in} signed in now", anchor=False, width="content")
    user_forms.add(actor)
user_forms.one_time_password()
chosen = tables.table(everyone, columns, key="users.table", select="id")
tables.totals(len(everyone), noun="users")
user = next((user for user in everyone if user.id == chosen), None)
if user is not None:
    user_forms.actions(actor, user)
else:
    st.caption("Choose a user to change the role, reset the password or disable the account.")
