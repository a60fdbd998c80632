"""Who acts, and what each role may do. Every public service function takes an `Actor` and asks it."""

from dataclasses import dataclass
from enum import StrEnum

from services.errors import NotAllowed


class Role(StrEnum):
    """The roles a user may have."""

    ADMIN = "admin"
    LEADER = "leader"
    ANALYST = "analyst"
    AGENT = "agent"
    AUDITOR = "auditor"
    SYSTEM = "system"


class Permission(StrEnum):
    """What may be done; screens and services name these, never roles."""

    VIEW_PORTFOLIO = "view the portfolio"
    EXPORT_PORTFOLIO = "export portfolio figures"
    VIEW_PERFORMANCE = "see the performance of agents"
    SET_TARGETS = "set targets and costs of collection"
    WORK_QUEUE = "work the queue"
    ALLOCATE_CASES = "allocate cases"
    VIEW_ALL_CASES = "see cases of other agents"
    VIEW_BORROWER = "see borrowers"
    RECORD_CONTACT = "record contacts and promises"
    CHANGE_STATUS = "change a borrower's status"
    RECORD_PAYMENT = "record payments"
    OVERRIDE_GATE = "contact against the gate's answer"
    REVEAL_PERSONAL_DATA = "see personal data in the clear"
    VIEW_AUDIT = "read the audit trail"
    VERIFY_AUDIT = "verify the audit trail"
    IMPORT = "import files"
    MANAGE_USERS = "manage users"
    VIEW_JOBS = "see background jobs"
    MANAGE_JOBS = "retry and start background jobs"
    MANAGE_MESSAGES = "see and change reminders"
    CONFIGURE = "change settings"
    VIEW_STRATEGY = "see stages and allocation rules"
    CHANGE_STRATEGY = "change stages and allocation rules"
    VIEW_REQUESTS = "see requests for approval"
    DECIDE_REQUESTS = "approve or refuse requests"
    VIEW_COMPLAINTS = "see complaints and holds"
    HANDLE_COMPLAINTS = "answer and close complaints"
    HOLD_REGIONS = "stop contact in a region"
    MAKE_ARRANGEMENTS = "make repayment plans"
    EXCEED_PLAN_LIMITS = "agree to plans beyond an agent's limits"
    VIEW_SETTLEMENTS = "see all settlements"
    VIEW_HARDSHIP = "see all hardship relief"
    VIEW_LEGAL = "see legal actions"
    HANDLE_LEGAL = "take legal steps"
    SET_UP_LEGAL = "change legal notices and clocks, and send notices in batches"
    VIEW_VISITS = "see visits, receipts and deposits"
    MAKE_VISITS = "plan and make visits, and take money on them"
    CONFIRM_DEPOSITS = "confirm deposits, and cancel receipts"
    VIEW_POLICY = "see contact rules"


_P = Permission
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(
        {
            _P.IMPORT,
            _P.MANAGE_USERS,
            _P.VIEW_JOBS,
            _P.MANAGE_JOBS,
            _P.CONFIGURE,
            _P.VIEW_AUDIT,
            _P.VERIFY_AUDIT,
            _P.MANAGE_MESSAGES,
            _P.VIEW_REQUESTS,
            _P.VIEW_POLICY,
        }
    ),
    Role.LEADER: frozenset(
        {
            _P.VIEW_PORTFOLIO,
            _P.EXPORT_PORTFOLIO,
            _P.VIEW_PERFORMANCE,
            _P.SET_TARGETS,
            _P.WORK_QUEUE,
            _P.ALLOCATE_CASES,
            _P.VIEW_ALL_CASES,
            _P.VIEW_BORROWER,
            _P.RECORD_CONTACT,
            _P.CHANGE_STATUS,
            _P.RECORD_PAYMENT,
            _P.OVERRIDE_GATE,
            _P.REVEAL_PERSONAL_DATA,
            _P.VIEW_JOBS,
            _P.MANAGE_MESSAGES,
            _P.VIEW_STRATEGY,
            _P.CHANGE_STRATEGY,
            _P.VIEW_REQUESTS,
            _P.DECIDE_REQUESTS,
            _P.VIEW_COMPLAINTS,
            _P.HANDLE_COMPLAINTS,
            _P.HOLD_REGIONS,
            _P.MAKE_ARRANGEMENTS,
            _P.EXCEED_PLAN_LIMITS,
            _P.VIEW_SETTLEMENTS,
            _P.VIEW_HARDSHIP,
            _P.VIEW_LEGAL,
            _P.HANDLE_LEGAL,
            _P.SET_UP_LEGAL,
            _P.VIEW_VISITS,
            _P.MAKE_VISITS,
            _P.CONFIRM_DEPOSITS,
            _P.VIEW_POLICY,
        }
    ),
    Role.ANALYST: frozenset(
        {
            _P.VIEW_PORTFOLIO,
            _P.EXPORT_PORTFOLIO,
            _P.VIEW_BORROWER,
            _P.VIEW_ALL_CASES,
            _P.VIEW_STRATEGY,
            _P.VIEW_COMPLAINTS,
            _P.VIEW_PERFORMANCE,
            _P.VIEW_SETTLEMENTS,
            _P.VIEW_HARDSHIP,
        }
    ),
    Role.AGENT: frozenset(
        {
            _P.WORK_QUEUE,
            _P.VIEW_BORROWER,
            _P.RECORD_CONTACT,
            _P.CHANGE_STATUS,
            _P.REVEAL_PERSONAL_DATA,
            _P.VIEW_REQUESTS,
            _P.MAKE_ARRANGEMENTS,
            _P.VIEW_LEGAL,
            _P.HANDLE_LEGAL,
            _P.VIEW_VISITS,
            _P.MAKE_VISITS,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            _P.VIEW_AUDIT,
            _P.VERIFY_AUDIT,
            _P.VIEW_BORROWER,
            _P.VIEW_ALL_CASES,
            _P.VIEW_STRATEGY,
            _P.VIEW_COMPLAINTS,
            _P.VIEW_SETTLEMENTS,
            _P.VIEW_HARDSHIP,
            _P.VIEW_LEGAL,
            _P.VIEW_VISITS,
            _P.VIEW_POLICY,
        }
    ),
    Role.SYSTEM: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone, or the system, acting now. `session_id` names the sign-in; None for jobs and commands."""

    id: int | None
    name: str
    role: Role
    session_id: int | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the actor's role has the permission."""
        return permission in ROLE_PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Refuse unless the actor has the permission.

        Raises:
            NotAllowed: the role lacks it.
        """
        if not self.may(permission):
            raise NotAllowed(f"Your role ({self.role}) may not {permission}. Ask an admin if you need to.")


SYSTEM = Actor(id=None, name="Recoup", role=Role.SYSTEM)
"""Jobs and operators' commands act as the system."""


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """The roles of people that have a permission: what statements compare `app_user.role` with."""
    return tuple(role for role in ROLE_PERMISSIONS if role is not Role.SYSTEM and permission in ROLE_PERMISSIONS[role])
