#!/usr/bin/env python
"""Run a management command: ``manage.py help``."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Appended, never inserted: in front, this folder could shadow the standard library's module of the same name.
    sys.path.append(str(Path(__file__).resolve().parent / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    from django.core.management import execute_from_command_line

    from config.faults import ConfigurationError

    try:
        execute_from_command_line(sys.argv)
    except ConfigurationError as error:
        sys.exit(str(error))
