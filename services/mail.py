"""Handing an e-mail over to an SMTP server, in the two steps that an outbox needs: addressed, then the text."""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from services import clock
from services.errors import Unavailable
from settings import settings

_TIMEOUT_SECONDS = 30
_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]+@[A-Za-z0-9.-]+")
"""What may stand between < and > in a command to the server, and nothing that could end it."""


class MailRefused(Exception):
    """The server said no before it had the text, or to the text: the message was certainly not taken."""

    def __init__(self, reply: str, *, is_final: bool) -> None:
        super().__init__(reply)
        self.reply = reply
        self.is_final = is_final
        """Trying again does not help: the address does not exist, or the like."""


class MailServerUnreachable(Unavailable):
    """There was no server to talk to: the message was certainly not taken."""


class MailOutcomeUnknown(Exception):
    """The connection was lost after the text was begun: the server may have taken it."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail."""

    message_id: str
    """The same at every attempt, so that receivers can recognise a repeat."""
    recipient: str
    subject: str
    body: str


def is_configured() -> bool:
    """Whether there is a mail server; without one messages stay in the local outbox."""
    return bool(settings().smtp_host)


def message_id_of(number: int) -> str:
    """The Message-ID of a message of the outbox."""
    sender = parseaddr(settings().smtp_from)[1]  # it may be written as `Lender <care@lender.example>`
    return f"<recoup-{number}@{sender.rpartition('@')[2] or 'localhost'}>"


class MailServer:
    """An open connection that hands over one e-mail after another."""

    def __init__(self, client: smtplib.SMTP) -> None:
        self._client = client

    def hand_over(self, mail: Mail, *, before_text: Callable[[], bool]) -> bool:
        """Address the e-mail, ask `before_text`, and hand over the text.

        Args:
            mail: what to send.
            before_text: called when the server has accepted sender and recipient; the text follows only if it
                answers True. It should make sure that a kill from here on is known.

        Returns:
            Whether the server took it. False: `before_text` said no.

        Raises:
            MailRefused: the server said no.
            MailServerUnreachable: the connection was lost before the text was begun.
            MailOutcomeUnknown: it was lost after.
        """
        if not _ADDRESS.fullmatch(mail.recipient):
            raise MailRefused("this is not an e-mail address", is_final=True)
        try:
            self._accepted(self._client.mail(settings().smtp_from))
            self._accepted(self._client.rcpt(mail.recipient))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise MailServerUnreachable(f"The mail server went away ({type(error).__name__}).") from None
        if not before_text():
            with suppress(smtplib.SMTPException, OSError):
                self._client.rset()
            return False
        try:
            self._accepted(self._client.data(_written(mail)))
        except smtplib.SMTPDataError as error:
            self._refused(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise MailOutcomeUnknown(type(error).__name__) from None
        return True

    def _accepted(self, reply: tuple[int, bytes]) -> None:
        if not 200 <= reply[0] < 300:
            self._refused(*reply)

    def _refused(self, code: int, words: bytes | str) -> None:
        with suppress(smtplib.SMTPException, OSError):
            self._client.rset()
        spoken = words.decode(errors="replace") if isinstance(words, bytes) else words
        raise MailRefused(f"{code} {spoken}", is_final=code >= 500)


@contextmanager
def connected() -> Iterator[MailServer]:
    """A connection to the configured server, secured and signed in as the settings say.

    Raises:
        MailServerUnreachable: there is none, or it does not let us in; the message says why.
    """
    configured = settings()
    assert configured.smtp_host is not None, "ask is_configured() first"
    try:
        client = smtplib.SMTP(configured.smtp_host, configured.smtp_port, timeout=_TIMEOUT_SECONDS)
        client.ehlo_or_helo_if_needed()
        if configured.smtp_starttls:
            client.starttls(context=ssl.create_default_context())
        if configured.smtp_user and configured.smtp_password:
            client.login(configured.smtp_user, configured.smtp_password.get_secret_value())
    except (smtplib.SMTPException, OSError) as error:
        raise MailServerUnreachable(
            f"The mail server {configured.smtp_host}:{configured.smtp_port} cannot be used ({type(error).__name__})."
        ) from None
    try:
        yield MailServer(client)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            client.quit()


def _written(mail: Mail) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = settings().smtp_from
    message["To"] = mail.recipient
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body)
    return message.as_bytes()
