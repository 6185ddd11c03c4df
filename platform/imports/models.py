"""An import as one thing: who brought which file, what each row does, what became of it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.history import history
from core.links import HomeKey, SameHome
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope, ScopedManager
from files.models import StagedUpload
from imports.enums import RUN_TRANSITIONS, Outcome, RunState
from organizations.models import Organization


class ImportRun(Row):
    """One file, from the upload to its undoing.

    `cursor` is the last line that was written: a chunk commits its rows and the cursor together. `columns` says which
    column of the file is taken for which of ours, `options` what the uploader chose. `snapshot` is a digest of every
    row's outcome as the preview showed it. Counts before the word (`to_…`, `refused`) and after it (`created` …).
    """

    scope: ClassVar = Scope(organization="organization", person="person")
    privacy: ClassVar = dict.fromkeys(
        ("resource", "file_name", "sha256", "columns", "options", "snapshot", "refusal"), Privacy.INTERNAL
    )
    transitions: ClassVar = {"state": RUN_TRANSITIONS}

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="import_runs", verbose_name=_("for")
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    upload = models.OneToOneField(
        StagedUpload, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    resource = models.CharField(_("what"), max_length=80)
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=12, choices=RunState, default=RunState.UPLOADED)
    columns = models.JSONField(_("columns"), default=dict)
    options = models.JSONField(_("options"), default=dict)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    to_create = models.PositiveIntegerField(default=0)
    to_update = models.PositiveIntegerField(default=0)
    to_skip = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    created = models.PositiveIntegerField(_("new"), default=0)
    updated = models.PositiveIntegerField(_("changed"), default=0)
    skipped = models.PositiveIntegerField(_("unchanged"), default=0)
    failed = models.PositiveIntegerField(_("not written"), default=0)
    cursor = models.PositiveIntegerField(default=0)
    snapshot = models.CharField(max_length=64, blank=True)
    refusal = models.JSONField(_("why it stopped"), default=dict, blank=True)
    expires_at = models.DateTimeField(_("to be confirmed until"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    history = history(excluded=("upload",))

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-created_at", "id")
        permissions = (
            ("cancel_importrun", "Can cancel an import"),
            ("undo_importrun", "Can undo an import"),
        )
        constraints = (HomeKey(fields=["id", "organization"], name="import_home"),)
        indexes = (models.Index(fields=["organization", "-created_at", "id"], name="import_by_organization"),)

    def __str__(self) -> str:
        return self.file_name

    @property
    def version(self) -> str:
        """What old versions of the rows it wrote give as their reason."""
        return f"import {self.pk}"


class StagedRow(models.Model):
    """One row of a file between check and writing: written once, never changed, gone after the deadline.

    `facts` are the cleaned values, sensitive ones sealed for the very row they will stand in. `raw` is the line as it
    was uploaded, sealed, where it is needed again: of refused rows, and of kinds that are written row by row.
    `record_id` is the record the row makes or is about, `beside_id` one more that it makes beside it, `known_id` one
    on file that it uses instead, `seen` the version of the record that the preview compared with.
    """

    scope: ClassVar = Scope(person="person")
    privacy: ClassVar = {
        "label": Privacy.PERSONAL,
        "facts": Privacy.SENSITIVE,
        "raw": Privacy.SENSITIVE,
        "changes": Privacy.PERSONAL,
        "errors": Privacy.PERSONAL,
    }

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, db_index=False, related_name="staged")
    organization = models.ForeignKey(
        Organization, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    line = models.PositiveIntegerField()
    outcome = models.CharField(max_length=6, choices=Outcome)
    label = models.CharField(max_length=254, blank=True)
    record_id = models.UUIDField(null=True)
    beside_id = models.UUIDField(null=True)
    known_id = models.UUIDField(null=True)
    seen = models.DateTimeField(null=True)
    facts = models.JSONField(null=True)
    changes = models.JSONField(null=True)
    errors = models.JSONField(null=True)
    raw = models.TextField(blank=True)

    objects = ScopedManager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "line"], name="one_staged_row_per_line"),)
        indexes = (models.Index(fields=["run", "outcome", "line"], name="staged_by_outcome"),)

    def __str__(self) -> str:
        return f"{self.line}: {self.outcome}"


class ImportedRow(models.Model):
    """What one line did, kept as long as the run: the record, a second one it made beside it, the values before a
    change, or the code of its refusal. No personal text."""

    scope: ClassVar = Scope(organization="organization", append_only=True)
    privacy: ClassVar = {"before": Privacy.PERSONAL, "code": Privacy.INTERNAL}

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, db_index=False, related_name="imported")
    organization = models.ForeignKey(
        Organization, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    line = models.PositiveIntegerField(_("line"))
    outcome = models.CharField(_("outcome"), max_length=6, choices=Outcome)
    record_id = models.UUIDField(_("record"), null=True)
    beside_id = models.UUIDField(null=True)
    before = models.JSONField(null=True)
    code = models.CharField(_("code"), max_length=60, blank=True)

    objects = ScopedManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["run", "line"], name="one_imported_row_per_line"),
            SameHome(relation="run", home="organization", name="imported_row_run_home"),
        )

    def __str__(self) -> str:
        return f"{self.line}: {self.outcome}"


class ColumnMapping(Row):
    """Which of our columns a person takes a column of their files for, remembered for each organization and kind."""

    scope: ClassVar = Scope(person="person")
    privacy: ClassVar = {"resource": Privacy.INTERNAL, "header": Privacy.INTERNAL, "column": Privacy.INTERNAL}

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    resource = models.CharField(max_length=80)
    header = models.CharField(max_length=200)
    column = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["person", "organization", "resource", "header"], name="one_meaning_per_header"
            ),
        )

    def __str__(self) -> str:
        return f"{self.header} → {self.column}"
