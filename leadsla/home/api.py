"""Where the API joins the apps: leads as all that a person sees, and the documentation for everybody."""

from __future__ import annotations

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from leads.api import LeadViewSet
from leads.querysets import LeadQuerySet
from leadsla.accounts.access import Act
from leadsla.home.reach import leads_visible_to


class Leads(LeadViewSet):
    """Leads; reps read those behind their handoffs."""

    def reachable(self) -> LeadQuerySet:
        """Return the leads that the person sees in all."""
        return leads_visible_to(self.request.user)


class Schema(SpectacularAPIView):
    """The API in OpenAPI 3."""

    required_act = Act.PUBLIC
    permission_classes = (AllowAny,)


class Docs(SpectacularSwaggerSplitView):
    """The API to read and to try, without anything from another host and without inline script."""

    required_act = Act.PUBLIC
    permission_classes = (AllowAny,)
    url_name = "api-schema"

    @method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}))  # the page of the library styles itself
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer with a policy that lets the library's page write styles, and still no script."""
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response
