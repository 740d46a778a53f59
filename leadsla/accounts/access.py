"""Who may do what, written once: acts, the roles that may do them, and the guards for pages and API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from leadsla.accounts.models import ApiToken, Role, Side, User

MARKETING = frozenset({Role.MARKETER, Role.MARKETING_MANAGER})
SALES = frozenset({Role.SALES_REP, Role.SALES_MANAGER})
MANAGERS = frozenset({Role.MARKETING_MANAGER, Role.SALES_MANAGER})
MANAGER_OF: Mapping[str, Role] = {Side.MARKETING: Role.MARKETING_MANAGER, Side.SALES: Role.SALES_MANAGER}
OPERATIONS = frozenset({Role.OPERATIONS})
WORKING = MARKETING | SALES | OPERATIONS  # all but a person who is an administrator only
EVERYBODY = frozenset(Role)


class Act(StrEnum):
    """One thing that a person may or may not do. Which rows it reaches is `visibility`'s matter."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    SEE_LEADS = "see_leads"
    EDIT_LEADS = "edit_leads"
    IMPORT_LEADS = "import_leads"
    IMPORT_OUTCOMES = "import_outcomes"
    SET_UP_CAPTURE = "set_up_capture"
    EDIT_CAMPAIGNS = "edit_campaigns"
    FILE_ASKS = "file_asks"
    EDIT_SCORE_MODEL = "edit_score_model"
    HAND_OVER = "hand_over"
    OVERRIDE_GATE = "override_gate"
    SEE_SALES_FEEDBACK = "see_sales_feedback"
    FIX_RETURNED = "fix_returned"
    SEE_HANDOFFS = "see_handoffs"
    WORK_QUEUE = "work_queue"
    ANSWER_HANDOFFS = "answer_handoffs"
    REASSIGN = "reassign"
    SEE_SCOREBOARD = "see_scoreboard"
    SEE_AGREEMENTS = "see_agreements"
    COMMENT_AGREEMENTS = "comment_agreements"
    DRAFT_AGREEMENTS = "draft_agreements"
    SIGN_AGREEMENTS = "sign_agreements"
    NAME_DEPUTIES = "name_deputies"
    PLAN = "plan"
    EDIT_CALENDARS = "edit_calendars"
    SEE_CLOCKS = "see_clocks"
    PAUSE_CLOCKS = "pause_clocks"
    WAIVE_CLOCKS = "waive_clocks"
    CONFIRM_LATE = "confirm_late"
    PASS_ON = "pass_on"  # noqa: S105  # an act, not a password
    MANAGE_TEAMS = "manage_teams"
    RELEASE_LISTS = "release_lists"
    SEE_MESSAGES = "see_messages"
    WORD_MAILS = "word_mails"
    MANAGE_WEBHOOKS = "manage_webhooks"
    CONFIGURE = "configure"
    MANAGE_PEOPLE = "manage_people"
    USE_API = "use_api"


ROLES: dict[Act, frozenset[Role]] = {
    Act.SIGNED_IN: EVERYBODY,
    Act.SEE_LEADS: WORKING,
    Act.EDIT_LEADS: MARKETING,
    Act.IMPORT_LEADS: MARKETING | OPERATIONS,
    Act.IMPORT_OUTCOMES: MANAGERS | OPERATIONS,
    Act.SET_UP_CAPTURE: OPERATIONS | {Role.MARKETING_MANAGER},
    Act.EDIT_CAMPAIGNS: MARKETING | OPERATIONS,
    Act.FILE_ASKS: SALES,
    Act.EDIT_SCORE_MODEL: OPERATIONS | {Role.MARKETING_MANAGER},
    Act.HAND_OVER: MARKETING,
    Act.OVERRIDE_GATE: frozenset({Role.MARKETING_MANAGER}),
    Act.SEE_SALES_FEEDBACK: MARKETING,
    Act.FIX_RETURNED: MARKETING,
    Act.SEE_HANDOFFS: WORKING,
    Act.WORK_QUEUE: SALES,
    Act.ANSWER_HANDOFFS: SALES,
    Act.REASSIGN: frozenset({Role.SALES_MANAGER}),
    Act.SEE_SCOREBOARD: WORKING,
    Act.SEE_AGREEMENTS: EVERYBODY,
    Act.COMMENT_AGREEMENTS: WORKING,
    Act.DRAFT_AGREEMENTS: MANAGERS | OPERATIONS,
    Act.SIGN_AGREEMENTS: MARKETING | SALES,  # managers of their side, and the deputies that they named
    Act.NAME_DEPUTIES: MANAGERS,
    Act.PLAN: MANAGERS | OPERATIONS,
    Act.EDIT_CALENDARS: MANAGERS | OPERATIONS,
    Act.SEE_CLOCKS: WORKING,
    Act.PAUSE_CLOCKS: MARKETING | SALES,
    Act.WAIVE_CLOCKS: MANAGERS,
    Act.CONFIRM_LATE: frozenset({Role.SALES_MANAGER}),
    Act.PASS_ON: SALES,
    Act.MANAGE_TEAMS: MANAGERS | OPERATIONS,
    Act.RELEASE_LISTS: MARKETING,
    Act.SEE_MESSAGES: OPERATIONS | {Role.ADMINISTRATOR},
    Act.WORD_MAILS: OPERATIONS | {Role.ADMINISTRATOR},
    Act.MANAGE_WEBHOOKS: frozenset({Role.ADMINISTRATOR}),
    Act.CONFIGURE: OPERATIONS,
    Act.MANAGE_PEOPLE: frozenset({Role.ADMINISTRATOR}),
    Act.USE_API: WORKING,
}

View = TypeVar("View", bound=Callable[..., Any])


def may(user: User | AnonymousUser, act: Act) -> bool:
    """Tell whether a person may do an act at all.

    Args:
        user: who asks; nobody signed in may do public acts only.
        act: what they want.

    Returns:
        True when one of the person's roles allows it. Somebody without a role may only do what every signed-in
        person may.
    """
    if act is Act.PUBLIC:
        return True
    if not isinstance(user, User) or not user.is_active:
        return False
    if act is Act.SIGNED_IN:
        return True
    return not ROLES[act].isdisjoint(user.roles)


def requires(act: Act) -> Callable[[View], View]:
    """Declare the act that a view stands for; `AccessMiddleware` refuses views that declare none."""

    def declare(view: View) -> View:
        view.required_act = act  # type: ignore[attr-defined]  # functions take attributes; the middleware reads it
        return view

    return declare


class HasAct(BasePermission):
    """Let an API request through when its person may do the view's act and its token has the view's scope."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check `view.required_act` (or `required_acts[method]`) and, for tokens, `view.required_scopes[method]`."""
        acts: dict[str, Act] = getattr(view, "required_acts", {})
        act = acts.get(request.method or "", getattr(view, "required_act", None))
        if act is None:
            return False
        if not may(request.user, act):
            return False
        if isinstance(request.auth, ApiToken):
            scopes: dict[str, str] = getattr(view, "required_scopes", {})
            scope = scopes.get(request.method or "")
            return scope is not None and scope in request.auth.scopes
        return True
