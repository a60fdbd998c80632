"""The screens of the product: the only list of pages. A screen whose file is not there is not offered."""

from dataclasses import dataclass
from pathlib import Path

from services.actors import Actor, Permission, Role

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Screen:
    """One page, and the permission without which it is neither offered nor drawn."""

    path: str
    """File, from the project's folder."""
    title: str
    icon: str
    url_path: str
    section: str
    permission: Permission

    @property
    def file(self) -> Path:
        """The page's script, absolute."""
        return PROJECT / self.path

    @property
    def exists(self) -> bool:
        """Whether the page's script is there."""
        return self.file.exists()


WORK, INSIGHT, CONTROL = "Work", "Insight", "Control"

SCREENS = (
    Screen("pages/queue.py", "Queue", ":material/format_list_numbered:", "queue", WORK, Permission.WORK_QUEUE),
    Screen("pages/borrower.py", "Borrower", ":material/person_search:", "borrower", WORK, Permission.VIEW_BORROWER),
    Screen(
        "pages/allocation.py", "Allocation", ":material/assignment_ind:", "allocation", WORK, Permission.ALLOCATE_CASES
    ),
    Screen("pages/visits.py", "Visits", ":material/pin_drop:", "visits", WORK, Permission.VIEW_VISITS),
    Screen("pages/approvals.py", "Approvals", ":material/approval:", "approvals", WORK, Permission.VIEW_REQUESTS),
    Screen(
        "pages/settlements.py", "Settlements", ":material/handshake:", "settlements", WORK, Permission.VIEW_SETTLEMENTS
    ),
    Screen("pages/hardship.py", "Hardship", ":material/umbrella:", "hardship", WORK, Permission.VIEW_HARDSHIP),
    Screen("pages/complaints.py", "Complaints", ":material/report:", "complaints", WORK, Permission.VIEW_COMPLAINTS),
    Screen("pages/legal.py", "Legal", ":material/gavel:", "legal", WORK, Permission.VIEW_LEGAL),
    Screen("pages/holds.py", "Holds", ":material/back_hand:", "holds", WORK, Permission.VIEW_COMPLAINTS),
    Screen("pages/portfolio.py", "Portfolio", ":material/monitoring:", "portfolio", INSIGHT, Permission.VIEW_PORTFOLIO),
    Screen("pages/accounts.py", "Accounts", ":material/table_rows:", "accounts", INSIGHT, Permission.VIEW_PORTFOLIO),
    Screen("pages/strategy.py", "Strategy", ":material/account_tree:", "strategy", CONTROL, Permission.VIEW_STRATEGY),
    Screen(
        "pages/performance.py",
        "Performance",
        ":material/leaderboard:",
        "performance",
        INSIGHT,
        Permission.VIEW_PERFORMANCE,
    ),
    Screen("pages/imports.py", "Imports", ":material/upload_file:", "imports", CONTROL, Permission.IMPORT),
    Screen("pages/audit.py", "Audit", ":material/verified_user:", "audit", CONTROL, Permission.VIEW_AUDIT),
    Screen("pages/jobs.py", "Jobs", ":material/sync:", "jobs", CONTROL, Permission.VIEW_JOBS),
    Screen("pages/outbox.py", "Outbox", ":material/outbox:", "outbox", CONTROL, Permission.MANAGE_MESSAGES),
    Screen("pages/users.py", "Users", ":material/group:", "users", CONTROL, Permission.MANAGE_USERS),
    Screen("pages/plan_limits.py", "Limits", ":material/tune:", "plan_limits", CONTROL, Permission.CONFIGURE),
    Screen(
        "pages/outcomes.py", "Outcome codes", ":material/fact_check:", "outcomes", CONTROL, Permission.VIEW_STRATEGY
    ),
    Screen(
        "pages/contact_rules.py", "Contact rules", ":material/rule:", "contact_rules", CONTROL, Permission.VIEW_POLICY
    ),
)

_LANDING = {
    Role.AGENT: "queue",
    Role.LEADER: "portfolio",
    Role.ANALYST: "portfolio",
    Role.ADMIN: "imports",
    Role.AUDITOR: "audit",
}


def available() -> tuple[Screen, ...]:
    """The screens whose file is there."""
    return tuple(screen for screen in SCREENS if screen.exists)


def permitted(actor: Actor) -> tuple[Screen, ...]:
    """The screens an actor may open."""
    return tuple(screen for screen in available() if actor.may(screen.permission))


def landing(actor: Actor) -> Screen | None:
    """Where an actor starts: the screen of the role, else the first permitted one."""
    offered = permitted(actor)
    wanted = _LANDING.get(actor.role)
    return next((screen for screen in offered if screen.url_path == wanted), offered[0] if offered else None)
