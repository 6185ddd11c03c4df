"""Backups: the whole cluster and the private files, sealed, with a log of changes that reaches to the last seconds."""
