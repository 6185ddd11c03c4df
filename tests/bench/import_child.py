"""One import in a process of its own, so that its memory is its own: `python -m tests.bench.import_child ours|package
COUNT PERSON ORGANIZATION`. Prints seconds, rows and the peak of resident memory as JSON."""

from __future__ import annotations

import json
import random
import resource as process
import sys
import time
from typing import Any

import django

django.setup()

from import_export import resources, widgets  # noqa: E402 -- Django must be set up first
from import_export.fields import Field  # noqa: E402 -- the same
from tablib import Dataset  # noqa: E402 -- the same

from accounts.models import User  # noqa: E402 -- the same
from audit.services import record  # noqa: E402 -- the same
from core.context import acting, system_actor  # noqa: E402 -- the same
from enrollments.models import Client, Enrollment  # noqa: E402 -- the same
from imports.models import ImportRun  # noqa: E402 -- the same
from organizations.actors import load_actor  # noqa: E402 -- the same
from organizations.models import Organization  # noqa: E402 -- the same
from providers.models import District  # noqa: E402 -- the same
from resources.enrollments import EnrollmentResource  # noqa: E402 -- the same
from resources.importing import check, confirm, start_run  # noqa: E402 -- the same
from resources.writing import write_chunk  # noqa: E402 -- the same
from tests.imports.files import COLUMNS, as_csv, many_clients  # noqa: E402 -- the same


def ours(content: bytes, actor: Any, home: Organization) -> None:
    """What the product does with a large file: check and stage, then chunk by chunk, each its own transaction."""
    with acting(actor):
        enrollments = EnrollmentResource(actor, home)
        run = check(enrollments, start_run(enrollments, content, name="clients.csv"), content)
    with acting(actor):
        assert run.refused == 0
        run = confirm(enrollments, run, snapshot=run.snapshot, at_once=0)
    more = True
    while more:
        with acting(actor):
            more = write_chunk(enrollments, run)
    with acting(actor):
        assert ImportRun.objects.get(pk=run.pk).created == run.rows


class PackageResource(resources.ModelResource):
    """The same rows as the package's documentation would import them: a resource over the model, foreign keys by
    their natural key, the client looked up or made for each row, history by its signals, an event after each save."""

    provider = Field("provider", "provider", widget=widgets.ForeignKeyWidget(Organization, "slug"))
    district = Field("district", "court_id", widget=widgets.ForeignKeyWidget(District, "court_id"))
    client = Field("client", "email", widget=widgets.ForeignKeyWidget(Client, "email"))

    class Meta:
        model = Enrollment
        import_id_fields = ("client", "kind")
        fields = ("client", "kind", "provider", "district", "language", "chapter", "case_number", "first_set_341_date")

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        names = ("first_name", "last_name", "phone", "language", "birth_date", "ssn_last4")
        home = Organization.objects.get(slug=row["provider"])
        Client.objects.get_or_create(provider=home, email=row["email"], defaults={name: row[name] for name in names})

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        record("enrollment.created", instance, payload={"kind": instance.kind, "court": instance.district_id})


def package(content: bytes, actor: Any, home: Organization) -> float:
    """The upload's way through the package's own pages: a dry run for the preview, then the import. Returns the
    seconds of the import alone."""
    table = Dataset().load(content.decode(), format="csv")
    table.append_col([home.slug] * len(table), header="provider")
    for dry_run in (True, False):
        began = time.perf_counter()
        with acting(actor):
            result = PackageResource().import_data(table, dry_run=dry_run, raise_errors=True, use_transactions=True)
            assert result.totals["new"] == len(table), result.totals
    return time.perf_counter() - began


def main() -> None:
    side, count, person, organization = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    with acting(system_actor("bench")):
        actor = load_actor(User.objects.get(pk=person))
        home = Organization.objects.get(pk=organization)
    content = as_csv(many_clients(count, chooser=random.Random(1), tag=side[0]))
    began = time.perf_counter()
    alone = {"ours": ours, "package": package}[side](content, actor, home)
    took = time.perf_counter() - began
    peak = process.getrusage(process.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        json.dumps({"seconds": took, "alone": alone or took, "rows": count, "mb": peak, "columns": len(COLUMNS)})
    )


if __name__ == "__main__":
    main()
