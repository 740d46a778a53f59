"""Every address of the site, app by app."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

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
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
]
