"""The 94 judicial districts, from `providers/districts.csv`."""

from django.db import migrations

from core.context import acting, system_actor
from providers.districts import all_districts


def fill(apps, schema_editor):
    District = apps.get_model("providers", "District")
    with acting(system_actor("migration")):
        District.objects.bulk_create(
            District(
                court_id=row.court_id,
                name=row.name,
                state=row.usps,
                certificate_code=row.cert_abbrev,
                circuit=row.circuit,
                oversight=row.oversight,
                ust_region=str(row.ust_region or ""),
                time_zone=row.time_zone,
            )
            for row in all_districts().values()
        )


def empty(apps, schema_editor):
    with acting(system_actor("migration")):
        apps.get_model("providers", "District").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial"), ("core", "0001_context_functions")]
    operations = [migrations.RunPython(fill, empty)]
