"""The web's entry point for gunicorn: ``gunicorn config.wsgi``."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("CERTAOS_PROCESS", "web")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from config.startup import refuse_lies  # noqa: E402 -- asks the database, so Django must be set up

refuse_lies()
