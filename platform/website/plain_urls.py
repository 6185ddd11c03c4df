"""Addresses that have no language."""

from django.urls import path

from files.views import download
from website.views import health, heartbeat, home, webhooks

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("api/health", health.alive, name="health"),
    path("api/health/<str:name>", health.deep, name="health_probe"),
    path("api/course/heartbeat", heartbeat.heartbeat, name="heartbeat"),
    path("api/payments/stripe/webhook", webhooks.stripe, name="stripe_webhook"),
    path("files/<str:token>", download, name="file"),
    path("robots.txt", home.robots, name="robots"),
]
