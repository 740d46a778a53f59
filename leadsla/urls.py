"""Every address of the site, app by app."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("leadsla.home.urls")),
    path("leads/", include("leads.urls")),
    path("contract/", include("sla.urls")),
    path("sales/", include("feedback.urls")),
    path("people/", include("leadsla.accounts.urls")),
    path("notices/", include("leadsla.outbox.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("leadsla.api_urls")),
]
