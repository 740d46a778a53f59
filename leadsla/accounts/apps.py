"""Register the app, and the administration that goes by roles."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class AccountsConfig(AppConfig):
    """People: users, teams, roles, visibility, away times, tokens."""

    name = "leadsla.accounts"
    verbose_name = "People"


class AdministrationConfig(AdminConfig):
    """Django's administration with our site."""

    default_site = "leadsla.accounts.administration.Site"
