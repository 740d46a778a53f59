"""Addresses of notices, messages and webhooks."""

from django.urls import path

from leadsla.outbox import mail_text_views, message_views, views, webhook_views

app_name = "outbox"
urlpatterns = [
    path("", views.notices, name="notices"),
    path("read/", views.read_all, name="read_all"),
    path("preferences/", views.preferences, name="preferences"),
    path("messages/", message_views.message_list, name="messages"),
    path("messages/replay/", message_views.replay_all, name="replay_all"),
    path("messages/<uuid:public_id>/replay/", message_views.replay_one, name="replay_one"),
    path("mail-texts/", mail_text_views.mail_text_list, name="mail_texts"),
    path("mail-texts/<slug:kind>/", mail_text_views.mail_text, name="mail_text"),
    path("webhooks/", webhook_views.webhooks, name="webhooks"),
    path("webhooks/new/", webhook_views.webhook_new, name="webhook_new"),
    path("webhooks/<uuid:public_id>/", webhook_views.webhook, name="webhook"),
    path("webhooks/<uuid:public_id>/edit/", webhook_views.webhook_edit, name="webhook_edit"),
    path("webhooks/<uuid:public_id>/secret/", webhook_views.webhook_secret, name="webhook_secret"),
    path("webhooks/<uuid:public_id>/test/", webhook_views.webhook_test, name="webhook_test"),
    path("webhooks/<uuid:public_id>/switch/", webhook_views.webhook_switch, name="webhook_switch"),
    path("webhooks/<uuid:public_id>/remove/", webhook_views.webhook_remove, name="webhook_remove"),
    path("webhooks/<uuid:public_id>/replay/", webhook_views.webhook_replay, name="webhook_replay"),
    path("deliveries/<uuid:public_id>/again/", webhook_views.delivery_again, name="delivery_again"),
]
