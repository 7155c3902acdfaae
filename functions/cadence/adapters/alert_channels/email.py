"""Sends alerts by SMTP, the one protocol that an own mail server, a provider and SES all speak."""

import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from cadence.adapters.http.connection_errors import reason_of_socket
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.alerts.ports import ChannelRefused
from cadence.domain.alerts.channel import Channel
from cadence.domain.alerts.message import Message
from cadence.domain.shared.errors import Transient

_SECONDS = 15.0
_PORT = 587


class EmailSender:
    """Sends one mail for all waiting messages. `host` has to be one that the installation's egress policy allows."""

    most = 100
    per_minute = 4

    def __init__(self, reach: EgressPolicy) -> None:
        self._reach = reach

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        settings = channel.settings
        mail = _mail(channel, messages)
        try:
            with self._connected(settings) as server:
                if settings.get("username"):
                    server.login(settings["username"], secret or "")
                refused = server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise _fault("The mail server takes none of the addresses", error.recipients) from None
        except smtplib.SMTPDataError as error:
            refusal = f"The mail server refuses the message: {error.smtp_code} {_decoded(error.smtp_error)}"
            raise (ChannelRefused(refusal) if error.smtp_code >= 500 else Transient(refusal)) from None
        except smtplib.SMTPResponseException as error:
            raise Transient(f"The mail server answers: {error.smtp_code} {_decoded(error.smtp_error)}") from None
        except smtplib.SMTPNotSupportedError:
            unsupported = "The mail server does not support the encryption or the login that the channel asks for."
            raise Transient(unsupported) from None
        except (smtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise Transient(f"The mail server cannot be used: {reason_of_socket(error)}.") from None
        if refused:
            # Some recipients have the mail. Sending it again to all would flood them because of one wrong address.
            return

    def _connected(self, settings: Any) -> smtplib.SMTP:
        host, port = settings["host"], settings.get("port", _PORT)
        encryption = settings.get("encryption", "starttls")
        context = ssl.create_default_context()
        make = _guarded(self._reach)
        if encryption == "tls":
            return make(smtplib.SMTP_SSL)(host, port, timeout=_SECONDS, context=context)
        server = make(smtplib.SMTP)(host, port, timeout=_SECONDS)
        if encryption == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server


def _guarded(reach: EgressPolicy) -> Callable[[type[smtplib.SMTP]], Callable[..., smtplib.SMTP]]:
    """Returns a client that connects only to allowed addresses, and to the very address that was checked."""

    def guard(kind: type[smtplib.SMTP]) -> Callable[..., smtplib.SMTP]:
        class GuardedSmtp(kind):  # type: ignore[misc, valid-type]
            def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
                plain = _connect(reach, host, port, timeout)
                if kind is smtplib.SMTP_SSL:
                    return self.context.wrap_socket(plain, server_hostname=host)  # type: ignore[no-any-return]
                return plain

        return GuardedSmtp

    return guard


def _connect(reach: EgressPolicy, host: str, port: int, timeout: float) -> socket.socket:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in infos if reach.allows(host, port, str(each[4][0]))]
    if not addresses:
        raise Transient("The mail server's name leads to no public host, and to none that this installation names.")
    failure: OSError | None = None
    for address in dict.fromkeys(addresses):
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
    raise failure or OSError("no address")


def _mail(channel: Channel, messages: Sequence[Message]) -> EmailMessage:
    mail = EmailMessage()
    newest = messages[-1]
    mail["Subject"] = _line(newest.title if len(messages) == 1 else f"{len(messages)} messages about alerts")
    mail["From"] = channel.settings["from"]
    mail["To"] = ", ".join(channel.settings["to"])
    mail["Date"] = format_datetime(newest.made_at)
    # The id is the same when the mail is sent again, so that mail programs show it once.
    domain = str(channel.settings["from"]).rpartition("@")[2]
    mail["Message-ID"] = f"<{_line(newest.message_id)}.{len(messages)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join(_text(message) for message in messages))
    return mail


def _text(message: Message) -> str:
    about = [f"{name}: {value}" for name, value in message.labels.items() if value]
    links = [f"{name}: {url}" for name, url in message.links.items()]
    parts = [message.title, f"({message.severity})", "", message.summary, message.description, "", *about, *links]
    return "\n".join(part.encode("utf-8", "replace").decode() for part in parts)


def _line(text: str) -> str:
    return " ".join(text.encode("utf-8", "replace").decode().split())[:250]


def _fault(words: str, recipients: Any) -> Exception:
    codes = sorted({code for code, _ in recipients.values()})
    return Transient(f"{words}: {', '.join(map(str, codes))}.")


def _decoded(message: bytes | str) -> str:
    return message.decode("utf-8", "replace")[:200] if isinstance(message, bytes) else message[:200]
