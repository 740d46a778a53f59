"""The account check: what is known of a lead's company before anybody gets the lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext as _

from leads.models import Company, Lead, Stage
from leadsla.accounts.models import Role, User
from sla.models import Handoff
from sla.querysets import HandoffQuerySet

SALES = (Role.SALES_REP, Role.SALES_MANAGER)


class Account(StrEnum):
    """What the account check found of a lead's company."""

    FREE = "free"
    NOTICE = "notice"  # customer or open opportunity: its owner is told, nothing is owed
    OWNED = "owned"  # a named owner gets it
    JOINS = "joins"  # a colleague's handoff is open: the same rep
    REFUSED = "refused"


@dataclass(frozen=True)
class Checked:
    """The result of the account check.

    Attributes:
        account: what was found.
        why: in words; empty where nothing was.
        user: to whom it leads; None also where an account's owner is not known.
        joins: the open handoff of a colleague.
    """

    account: Account
    why: str = ""
    user: User | None = None
    joins: Handoff | None = None


def check_account(lead: Lead, *, now: datetime) -> Checked:
    """Look at what is known of a lead's company before anybody gets the lead.

    Args:
        lead: with its company.
        now: the moment.

    Returns:
        The first that is true: competitor, customer, open opportunity, a colleague with sales, named owner, partner.
    """
    company = lead.company
    if company is None:
        return Checked(Account.FREE)
    words = {"company": company.name}
    if company.relation == "competitor":
        return Checked(Account.REFUSED, _("%(company)s is a competitor. Its people are not handed over.") % words)
    colleagues = Handoff.objects.filter(lead__company=company, is_notice=False).exclude(lead=lead)
    return _known_account(company, colleagues) or _in_work(company, colleagues)


def _known_account(company: Company, colleagues: HandoffQuerySet) -> Checked | None:
    """Find a customer or an open opportunity, and who looks after it."""
    owner = company.owner if company.owner and company.owner.is_active else None
    words = {"company": company.name}
    if company.relation == "customer" or company.leads.filter(merged_into=None, stage=Stage.CUSTOMER).exists():
        user = owner or _last_owner(colleagues.filter(won_at__isnull=False))
        return Checked(Account.NOTICE, _("%(company)s is a customer.") % words, user)
    opportunity = colleagues.open().filter(opportunity_at__isnull=False).order_by("-leg", "-opportunity_at").first()
    if opportunity is None:
        return None
    user = owner or opportunity.owner
    return Checked(Account.NOTICE, _("There is an open opportunity with %(company)s.") % words, user)


def _in_work(company: Company, colleagues: HandoffQuerySet) -> Checked:
    """Find the rep who works on a colleague, else the one who is named for the company."""
    words = {"company": company.name}
    in_work = (
        colleagues.open().filter(leg=1, owner__is_active=True).exclude(decision="rejected").order_by("handed_over_at")
    )
    joins = in_work.select_related("owner__team", "lead").first()
    if joins is not None:
        why = _("Joins %(colleague)s of %(company)s, who is with %(owner)s.")
        named = {**words, "colleague": joins.lead, "owner": joins.owner}
        return Checked(Account.JOINS, why % named, joins.owner, joins)
    owner = company.owner
    if owner is not None and owner.is_active and owner.has_role(*SALES):
        return Checked(Account.OWNED, _("%(company)s is looked after by %(owner)s.") % {**words, "owner": owner}, owner)
    is_partner = company.relation == "partner"
    return Checked(Account.FREE, _("%(company)s is a partner.") % words if is_partner else "")


def _last_owner(handoffs: HandoffQuerySet) -> User | None:
    last = handoffs.filter(owner__is_active=True).select_related("owner__team").order_by("-won_at", "-leg").first()
    return last.owner if last else None
