"""The checks, in the order in which they are asked. Pure: rules, facts and a moment in, a finding out.

Order: holds, holds of the region, open promise, contact point and consent, calendar, hours, hours that the borrower
asked to avoid, place of a visit, notice of the agent, caps. The first that blocks gives the reason; the next allowed
moment satisfies all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from services.policy.facts import BorrowerFacts, HoldPeriod, Question, Rule

_FURTHEST = 100
"""Steps of the search for the next allowed moment; each step passes at least one obstacle."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is not satisfied."""

    rule: str
    reason: str
    release: datetime | None
    """The first moment at which this rule may be satisfied; None: not by waiting."""
    is_blocking: bool = True


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """The gate's answer about one borrower, channel and moment."""

    is_allowed: bool
    rule: str | None
    """Code of the rule that blocks or warns; None: nothing to say."""
    reason: str
    """One sentence, fit for the screen."""
    next_allowed_at: datetime | None
    """The next moment at which it is allowed; None when it is now, or when waiting does not help."""
    policy_version: int
    decision_id: int | None = None
    """The stored decision; None for previews."""


Check = Callable[[Rule, BorrowerFacts, Question], Finding | None]
Relevant = Sequence[tuple[Check, Rule]]
"""Rules that are about a contact, in order, each with its check."""


def relevant(rules: Sequence[Rule], question: Question, *, is_microfinance: bool) -> Relevant:
    """The rules that are about such a contact, each with its check, in the order in which they are asked."""
    return [
        (check, rule)
        for name, check in CHECKS
        for rule in rules
        if rule.rule == name
        and rule.concerns(question.channel, is_automated=question.is_automated, is_microfinance=is_microfinance)
    ]


def answer(rules: Relevant, facts: BorrowerFacts, question: Question, *, policy_version: int) -> GateAnswer:
    """Ask the relevant rules about one contact."""
    findings = _findings(rules, facts, question)
    blocking = next((found for found in findings if found.is_blocking), None)
    said = blocking or (findings[0] if findings else None)
    return GateAnswer(
        is_allowed=blocking is None,
        rule=said.rule if said else None,
        reason=said.reason if said else "Contact is allowed.",
        next_allowed_at=_next_allowed(rules, facts, question, findings) if blocking else None,
        policy_version=policy_version,
    )


def _next_allowed(
    rules: Relevant, facts: BorrowerFacts, question: Question, findings: list[Finding]
) -> datetime | None:
    for _step in range(_FURTHEST):
        releases = [found.release for found in findings if found.is_blocking]
        if not releases:
            return question.at
        if any(release is None or release <= question.at for release in releases):
            return None
        question = replace(question, at=max(release for release in releases if release is not None))
        findings = _findings(rules, facts, question)
    return None


def _findings(rules: Relevant, facts: BorrowerFacts, question: Question) -> list[Finding]:
    return [
        found if rule.is_blocking else replace(found, is_blocking=False)
        for check, rule in rules
        if (found := check(rule, facts, question)) is not None
    ]


def _local_day(facts: BorrowerFacts, question: Question) -> date:
    return question.at.astimezone(facts.zone).date()


def _start_of(day: date, facts: BorrowerFacts) -> datetime:
    return datetime.combine(day, time(0), facts.zone)


_HOLD_WORDS = {
    "dispute": "the debt is disputed",
    "hardship": "the borrower is in hardship",
    "bereavement": "there was a bereavement",
    "calamity": "the borrower is affected by a calamity",
    "complaint": "a complaint is open",
    "legal": "legal proceedings are under way",
    "deceased": "the borrower has died",
    "fraud": "fraud is suspected",
    "do_not_contact": "the borrower asked not to be contacted",
}


def _check_hold(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:
    day = _local_day(facts, question)
    on = [hold for hold in facts.holds if hold.kind in rule.parameters["kinds"] and hold.is_on(day)]
    if not on:
        return None
    longest = max(on, key=_end_of)
    until = f" until {_spoken(longest.end)}" if longest.end else ""
    release = _start_of(longest.end, facts) if longest.end else None
    return Finding("hold", f"On hold{until}: {_HOLD_WORDS.get(longest.kind, longest.kind)}.", release)


_OCCASIONS = {"festival": "festival", "calamity": "calamity", "other": "occasion"}


def _check_regional_hold(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:
    day = _local_day(facts, question)
    on = [hold for hold in facts.regional_holds if hold.kind in rule.parameters["kinds"] and hold.is_on(day)]
    if not on:
        return None
    longest = max(on, key=_end_of)
    end = _end_of(longest)
    what = f"{_OCCASIONS.get(longest.kind, longest.kind)} where the borrower lives ({longest.name})"
    return Finding("regional_hold", f"No contact until {_spoken(end)}: {what}.", _start_of(end, facts))


def _end_of(hold: HoldPeriod) -> date:
    return hold.end or date.max


def _check_open_promise(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:  # noqa: ARG001
    due_on = facts.promise_due_on
    if due_on is None or question.is_about_promise or _local_day(facts, question) > due_on:
        return None
    release = _start_of(due_on + timedelta(days=1), facts)
    return Finding("open_promise", f"A promise to pay by {_spoken(due_on)} is open.", release)


def _check_contact_point(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:  # noqa: ARG001
    if facts.points:
        return None
    what = {"email": "e-mail address", "visit": "address", "letter": "address", "whatsapp": "WhatsApp number"}
    return Finding("contact_point", f"No {what.get(question.channel, 'phone number')} is on file.", None)


def _check_consent(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:
    if facts.points and not facts.open_points:
        return Finding("consent", f"Contact by {_spoken_channel(question.channel)} was refused.", None)
    if rule.parameters.get("must_be_given", False) and facts.points and not facts.consented_points:
        return Finding("consent", f"Consent to contact by {_spoken_channel(question.channel)} is missing.", None)
    return None


def _check_calendar(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:
    day = _local_day(facts, question)
    is_listed = f"{day:%Y-%m-%d}" in rule.parameters.get("dates", []) or f"{day:%m-%d}" in rule.parameters.get(
        "yearly", []
    )
    if not is_listed and day.isoweekday() not in rule.parameters.get("weekdays", []):
        return None
    release = _start_of(day + timedelta(days=1), facts)
    return Finding("calendar", f"{_spoken(day)} is a day without {_spoken_channel(question.channel)}s.", release)


def _check_hours(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:
    opens, closes = (time.fromisoformat(rule.parameters[name]) for name in ("from", "to"))
    local = question.at.astimezone(facts.zone)
    if opens <= local.time() < closes:
        return None
    day = local.date() if local.time() < opens else local.date() + timedelta(days=1)
    release = datetime.combine(day, opens, facts.zone)
    if release <= question.at:  # the clock was put back: that time comes twice
        release = release.replace(fold=1)
    reason = f"Outside contact hours ({opens:%H:%M}–{closes:%H:%M}, borrower's time {local:%H:%M})."
    return Finding("hours", reason, release)


def _check_avoided(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:  # noqa: ARG001
    """Hours that the borrower asked to avoid (IN-01); those that began yesterday may reach into today."""
    local = question.at.astimezone(facts.zone)
    found: list[tuple[datetime, time, time]] = []
    for hours in facts.avoided:
        if hours.channels and question.channel not in hours.channels:
            continue
        for day in (local.date() - timedelta(days=1), local.date()):
            ends = day if hours.end > hours.start else day + timedelta(days=1)
            begin, end = (datetime.combine(on, at) for on, at in ((day, hours.start), (ends, hours.end)))
            if hours.begins_on(day) and begin <= local.replace(tzinfo=None) < end:
                found.append((end, hours.start, hours.end))
    if not found:
        return None
    end, opens, closes = max(found)
    release = end.replace(tzinfo=facts.zone)
    if release <= question.at:  # the clock was put back: that time comes twice
        release = release.replace(fold=1)
    return Finding("avoided_hours", f"The borrower asked not to be contacted {opens:%H:%M}–{closes:%H:%M}.", release)


def _check_visit_place(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:
    """The order of places (IN-05): where the borrower chose, then the home, then the workplace; IN-02 asks for more.

    Parameters: `residence_after`, failed visits at the chosen place before any other is tried, and `workplace_after`,
    failed visits at home before the workplace is; `needs_choice`: without a designated place nobody is visited.
    """
    place, known = question.place, facts.places
    if place is None or place == "chosen" or known is None:
        return None
    if place == "other":
        return _out_of_order("Borrowers are visited where they chose, at home or at work, nowhere else.")
    if not known.has_choice and rule.parameters.get("needs_choice", False):
        return _out_of_order("The place to meet must be agreed first: this is a microfinance loan.")
    missing = rule.parameters["residence_after"] - known.failed.get("chosen", 0) if known.has_choice else 0
    if missing > 0:
        return _out_of_order(f"The borrower chose another place: {_visits_missing(missing)} there must fail first.")
    missing = rule.parameters["workplace_after"] - known.failed.get("residence", 0)
    if place == "workplace" and known.has_residence and missing > 0:
        return _out_of_order(f"The home comes first: {_visits_missing(missing)} there must fail first.")
    return None


def _out_of_order(reason: str) -> Finding:
    return Finding("visit_place", reason, None)


def _visits_missing(number: int) -> str:
    return "a visit" if number == 1 else f"{number} visits"


def _check_agent_notice(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:  # noqa: ARG001
    """Before an agent's first contact the borrower is told the agent's particulars (IN-06)."""
    if not facts.is_untold:
        return None
    reason = (
        "The borrower has not been told yet which agent will be in touch (IN-06); a leader sees how the notice goes."
    )
    return Finding("agent_notice", reason, None)


def _check_cap(rule: Rule, facts: BorrowerFacts, question: Question) -> Finding | None:
    counted = rule.parameters.get("channels", "all")
    past = sorted(at for channel, at in facts.contacts if counted == "all" or channel in counted)
    day = _local_day(facts, question)
    today = [at for at in past if at.astimezone(facts.zone).date() == day]
    week = [at for at in past if question.at - timedelta(days=7) < at]
    per_day, per_week = rule.parameters.get("per_day"), rule.parameters.get("per_week")
    channel = "contact" if counted == "all" else _spoken_channel(question.channel)
    if per_week is not None and len(week) >= per_week:
        release = week[len(week) - per_week] + timedelta(days=7)
        return Finding("cap", f"{_times(len(week), channel)} in seven days; at most {per_week} are allowed.", release)
    if per_day is not None and len(today) >= per_day:
        release = _start_of(day + timedelta(days=1), facts)
        return Finding("cap", f"{_times(len(today), channel)} today; at most {per_day} a day is allowed.", release)
    return None


def _times(number: int, channel: str) -> str:
    return f"{number} {channel}{'' if number == 1 else 's'}"


def _spoken(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _spoken_channel(channel: str) -> str:
    return {"email": "e-mail", "sms": "SMS", "whatsapp": "WhatsApp message"}.get(channel, channel)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("hold", _check_hold),
    ("regional_hold", _check_regional_hold),
    ("open_promise", _check_open_promise),
    ("contact_point", _check_contact_point),
    ("consent", _check_consent),
    ("calendar", _check_calendar),
    ("hours", _check_hours),
    ("avoided_hours", _check_avoided),
    ("visit_place", _check_visit_place),
    ("agent_notice", _check_agent_notice),
    ("cap", _check_cap),
)
