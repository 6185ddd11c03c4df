from django.apps import AppConfig


class WebsiteConfig(AppConfig):
    """The slim public site: server-rendered pages, no models of its own."""

    name = "website"
