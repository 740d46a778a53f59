"""Addresses of a person's own page."""

from django.urls import path

from leadsla.accounts import views

app_name = "accounts"
urlpatterns = [
    path("me/", views.profile, name="profile"),
    path("me/tokens/", views.token_new, name="token_new"),
    path("me/tokens/<uuid:public_id>/revoke/", views.token_revoke, name="token_revoke"),
]
