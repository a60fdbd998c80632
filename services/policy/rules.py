"""The rules themselves: what is, was and will be in force, and changing that from a day on.

A change never rewrites a rule. The row that holds ends on a day, tomorrow at the earliest, and another begins that
names it: what the gate answered on any day can be answered again by the rules of that day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import policy as queries
from services import audit, lender
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound
from services.policy import terms
from services.policy.checks import CHECKS

_ORDER = {name: place for place, (name, _check) in enumerate(CHECKS)}
_OWN = "Own rule: "


@dataclass(frozen=True, slots=True)
class PolicyRuleView:
    """A rule of the gate with where it comes from, as it is said from one day to another."""

    id: int
    rule: str
    """Code of the check."""
    source: str
    parameters: dict[str, Any]
    severity: str
    """block or warn."""
    effective_from: date
    effective_to: date | None
    """First day on which it holds no more."""
    is_enabled: bool
    """False: it ships switched off."""
    replaces_id: int | None
    """The row that said the rule before."""

    @property
    def was_taken_back(self) -> bool:
        """It ended before it began."""
        return self.effective_to is not None and self.effective_to <= self.effective_from

    def is_on(self, day: date) -> bool:
        """Whether the gate asks it on a day."""
        has_ended = self.effective_to is not None and self.effective_to <= day
        return self.is_enabled and self.effective_from <= day and not has_ended

    def is_planned(self, day: date) -> bool:
        """Whether it begins after the day."""
        return self.is_enabled and self.effective_from > day and not self.was_taken_back


def rules(actor: Actor) -> list[PolicyRuleView]:
    """Every row of every rule, in the order in which the gate asks them, the oldest first.

    Raises:
        NotAllowed: the actor may not see them.
    """
    actor.require(Permission.VIEW_POLICY)
    with reading() as session:
        return _all(session)


def _all(session: Session) -> list[PolicyRuleView]:
    found = [PolicyRuleView(**row._mapping) for row in queries.all_rules(session)]  # noqa: SLF001 - public by docs
    return sorted(found, key=lambda rule: (_ORDER.get(rule.rule, len(_ORDER)), rule.id))


def add(
    actor: Actor, rule: str, parameters: Mapping[str, Any], *, severity: str, name: str, on: date, reason: str
) -> int:
    """Add a rule of the lender's own, in force from a day on; its id.

    Args:
        actor: who adds it.
        rule: the check, one of `terms.ADDABLE`.
        parameters: what the check takes.
        severity: block or warn.
        name: what it is for, in a few words.
        on: first day, tomorrow at the earliest.
        reason: why; goes into the audit trail.

    Raises:
        NotAllowed: the actor may not change settings.
        InvalidInput: a value cannot be.
    """
    actor.require(Permission.CONFIGURE)
    assert rule in terms.ADDABLE, rule
    wrong = {} if name.strip() else {"name": "Say in a few words what the rule is for."}
    with transaction() as session:
        queries.lock_rules(session)
        source = f"{_OWN}{name.strip()}"
        said = _said(session, rule, source, parameters, severity, on=on, reason=reason, wrong=wrong)
        rule_id = queries.insert_rule(
            session, rule=rule, source=source, parameters=said, severity=severity, effective_from=on
        )
        _record(session, actor, "added", rule_id,
                summary=f"added a contact rule from {on:%-d %b %Y} on", reason=reason,
                after={"parameters": said, "severity": severity, "source": source})  # fmt: skip
    return rule_id


def change(actor: Actor, rule_id: int, parameters: Mapping[str, Any], *, severity: str, on: date, reason: str) -> int:
    """Have a rule say something else from a day on; the id of what it says then.

    Raises:
        NotAllowed: the actor may not change settings.
        NotFound: there is no such rule.
        InvalidInput: a value cannot be, or nothing changes.
        Conflict: the rule does not hold, or another change of it is planned.
    """
    actor.require(Permission.CONFIGURE)
    with transaction() as session:
        old = _open(session, rule_id)
        said = _said(session, old.rule, old.source, parameters, severity, on=on, reason=reason)
        if (said, severity) == (old.parameters, old.severity):
            raise InvalidInput({"parameters": "Nothing differs from what holds now."})
        queries.set_rule_end(session, rule_id, on=on)
        new_id = _insert_after(session, old, said, severity, on)
        _record(session, actor, "changed", new_id,
                summary=f"changed a contact rule from {on:%-d %b %Y} on", reason=reason,
                before={"parameters": old.parameters, "severity": old.severity},
                after={"parameters": said, "severity": severity, "source": old.source})  # fmt: skip
    return new_id


def end(actor: Actor, rule_id: int, *, on: date, reason: str) -> None:
    """Have the gate ask a rule no more from a day on.

    Raises:
        NotAllowed, NotFound, Conflict: see `change`.
        InvalidInput: the day or the reason is missing or cannot be.
    """
    actor.require(Permission.CONFIGURE)
    with transaction() as session:
        old = _open(session, rule_id)
        _check_day(session, on, reason, {})
        queries.set_rule_end(session, rule_id, on=on)
        _record(session, actor, "ended", rule_id,
                summary=f"ended a contact rule from {on:%-d %b %Y} on", reason=reason,
                before={"parameters": old.parameters, "source": old.source})  # fmt: skip


def resume(actor: Actor, rule_id: int, *, on: date, reason: str) -> int:
    """Have a rule that ended, or that ships switched off, hold from a day on; the id of the row that says so.

    Raises:
        NotAllowed, NotFound: see `change`.
        InvalidInput: the day or the reason is missing or cannot be.
        Conflict: it holds, or will.
    """
    actor.require(Permission.CONFIGURE)
    with transaction() as session:
        old, every = _locked(session, rule_id)
        today = lender.load(session).today
        followed = any(one.replaces_id == rule_id and not one.was_taken_back for one in every.values())
        if old.is_on(today) or old.is_planned(today) or followed:
            raise Conflict("This rule holds, or is planned to: look at it again.")
        _check_day(session, on, reason, {})
        new_id = _insert_after(session, old, old.parameters, old.severity, on)
        _record(session, actor, "resumed", new_id,
                summary=f"took a contact rule into force from {on:%-d %b %Y} on", reason=reason,
                after={"parameters": old.parameters, "severity": old.severity, "source": old.source})  # fmt: skip
    return new_id


def take_back(actor: Actor, rule_id: int, *, reason: str) -> None:
    """Take back what is planned of a rule: its beginning, its change or its end. What held before goes on.

    Raises:
        NotAllowed, NotFound: see `change`.
        InvalidInput: the reason is missing.
        Conflict: nothing is planned of it.
    """
    actor.require(Permission.CONFIGURE)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why."})
    with transaction() as session:
        rule, every = _locked(session, rule_id)
        today = lender.load(session).today
        next_ = next((one for one in every.values() if one.replaces_id == rule_id and one.is_planned(today)), None)
        planned = rule if rule.is_planned(today) else next_
        before = every.get(planned.replaces_id or 0) if planned else rule
        is_ending = before is not None and before.is_on(today) and before.effective_to is not None
        if planned is None and not is_ending:
            raise Conflict("Nothing is planned of this rule: look at it again.")
        if planned is not None:
            queries.set_rule_end(session, planned.id, on=planned.effective_from)
        if before is not None and is_ending:
            queries.set_rule_end(session, before.id, on=None)
        _record(
            session,
            actor,
            "plan_taken_back",
            rule_id,
            summary="took back a planned change of a contact rule",
            reason=reason,
        )


def _locked(session: Session, rule_id: int) -> tuple[PolicyRuleView, dict[int, PolicyRuleView]]:
    """The rule among all rows by id; changes of rules wait for each other until the transaction ends."""
    queries.lock_rules(session)
    every = {rule.id: rule for rule in _all(session)}
    if rule_id not in every:
        raise NotFound("There is no such rule.")
    return every[rule_id], every


def _open(session: Session, rule_id: int) -> PolicyRuleView:
    """The rule, which holds and of which no change is planned."""
    found, _every = _locked(session, rule_id)
    if found.effective_to is not None or not found.is_on(lender.load(session).today):
        raise Conflict("This rule does not hold, or a change of it is planned: take that back first.")
    return found


def _said(
    session: Session,
    rule: str,
    source: str,
    parameters: Mapping[str, Any],
    severity: str,
    *,
    on: date,
    reason: str,
    wrong: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The parameters as they are kept, once all that was entered can be."""
    assert severity in terms.SEVERITIES, severity
    faults = dict(wrong or {})
    said: dict[str, Any] = {}
    try:
        said = terms.checked(rule, source, parameters)
    except InvalidInput as error:
        faults |= error.fields
    _check_day(session, on, reason, faults)
    return said


def _check_day(session: Session, on: date, reason: str, wrong: dict[str, str]) -> None:
    tomorrow = lender.load(session).today + timedelta(days=1)
    if on < tomorrow:
        wrong["on"] = "Tomorrow at the earliest: what was decided today stays explained by today's rules."
    if not reason.strip():
        wrong["reason"] = "Say why: it goes into the audit trail."
    if wrong:
        raise InvalidInput(wrong)


def _insert_after(session: Session, old: PolicyRuleView, parameters: Mapping[str, Any], severity: str, on: date) -> int:
    return queries.insert_rule(
        session,
        rule=old.rule,
        source=old.source,
        parameters=dict(parameters),
        severity=severity,
        effective_from=on,
        replaces_id=old.id,
    )


def _record(
    session: Session,
    actor: Actor,
    act: str,
    rule_id: int,
    *,
    summary: str,
    reason: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit.record(
        session,
        actor,
        f"policy_rule.{act}",
        subject=("policy_rule", rule_id),
        summary=summary,
        before=before,
        after=after,
        reason=reason.strip(),
    )
