"""What a company puts before and after the portal's own words in mails, by kind, with a few words to fill in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from leadsla.accounts.models import User
from leadsla.outbox.kinds import Kind
from leadsla.outbox.models import MailText, Message

LONGEST = 1000
# What may stand in braces. A fixed list: a text that people write reaches nothing else of the portal.
FILLED_IN = ("name", "first_name")
_BRACES = re.compile(r"\{([^{}]*)\}")


class Refused(Exception):  # noqa: N818  # it reads as what happened
    """A text cannot be used; `errors` says by field why."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True)
class Around:
    """What stands before and after the portal's words in one mail; "" for nothing."""

    before: str = ""
    after: str = ""


def _problem(text: str) -> str:
    if len(text) > LONGEST:
        return _("This is longer than %(longest)d characters. Shorten it.") % {"longest": LONGEST}
    unknown = next((word for word in _BRACES.findall(text) if word not in FILLED_IN), None)
    if unknown is not None:
        return _("{%(word)s} means nothing here. Use {name} or {first_name}.") % {"word": unknown}
    return ""


def check(*, before: str, after: str) -> None:
    """Refuse texts that cannot be used.

    Raises:
        Refused: with a sentence per field, `before` and `after`.
    """
    problems = {"before": _problem(before), "after": _problem(after)}
    if any(problems.values()):
        raise Refused({field: why for field, why in problems.items() if why})


def change(kind: Kind, *, before: str, after: str, by: User, now: datetime) -> None:
    """Keep what stands before and after the portal's words in mails of a kind; two empty texts take it away.

    Args:
        kind: of the notices.
        before: plain text with {name} or {first_name} in it, or "".
        after: likewise.
        by: who changes it.
        now: the moment.

    Raises:
        Refused: with a sentence per field.
    """
    check(before=before, after=after)
    before, after = before.strip(), after.strip()
    if not before and not after:
        MailText.objects.filter(kind=kind).delete()
        return
    kept = {"before": before, "after": after, "changed_by": by, "changed_at": now}
    MailText.objects.update_or_create(kind=kind, defaults=kept)


def fill_in(text: str, *, recipient: User | None) -> str:
    """Return a text with its braces filled in; for nobody in particular they stay empty."""
    words = {"name": recipient.get_full_name(), "first_name": recipient.get_short_name()} if recipient else {}
    return _BRACES.sub(lambda found: words.get(found[1], ""), text).strip()


def around(message: Message) -> Around:
    """Return what stands before and after the words of one mail."""
    text = MailText.objects.filter(kind=message.kind).first()
    if text is None:
        return Around()
    return Around(*(fill_in(part, recipient=message.recipient) for part in (text.before, text.after)))
