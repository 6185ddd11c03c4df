"""Rules of the house that no linter knows: what may be written only where it is listed, with the reason."""

from __future__ import annotations

import ast
import re

from tests.config.source import ROOT, calls, files_using, files_where, product

# A bulk write leaves no history and no evidence.
BULK_WRITES = {
    "platform/jobs/querysets.py": "the working path of jobs: conditional, and passed several times by every job",
    "platform/jobs/services.py": "asks for a job without RETURNING, in contexts that cannot read it back",
    "platform/notifications/services.py": "writes a message without RETURNING, in contexts that cannot read it back",
    "platform/accounts/services.py": "loosens what names a person who is forgotten; that act is recorded itself",
    "platform/imports/services/rows.py": "the journal of an import, which is itself evidence of each row",
    "platform/certificates/services/release.py": "a stored file keeps no history; the certificate saved beside it does",
    "platform/payments/services/events.py": "takes a gateway event once, in a request that may not read it",
    "tasks/rehearsals.py": "closes a rehearsal whose own process died; rehearsals keep no history",
}
RAW_SQL = {
    "platform/courses/beats.py": "a heartbeat is one statement, judged by a function of the database",
    "platform/core/context.py": "hands the actor to the database",
    "platform/core/history.py": "copies many rows into their history in one statement",
    "platform/core/limits.py": "one statement counts and answers",
    "platform/core/rls.py": "reads the catalogue and writes policies",
    "platform/core/sequences.py": "one statement counts and answers",
    "platform/core/management/commands/migrate.py": "asks which role is logged in",
    "platform/core/management/commands/rls_apply.py": "asks which role is logged in",
    "resources/copying.py": "rows leave by COPY, as the acting person; the statement is Django's own",
    "platform/exports/services/progress.py": "tells how far an export is, beside its transaction",
    "platform/audit/services.py": "evidence is appended by a function of the database",
    "platform/audit/chain.py": "walks the chains on the database's own text of every field",
    "platform/config/backups/making.py": "asks what the log-in for backups may",
    "platform/config/startup.py": "asks for the settings of the server",
    "platform/config/postgres.py": "makes the cluster, its roles and databases, before Django is there",
    "platform/core/clock.py": "asks the database for its time",
    "platform/jobs/line.py": "takes jobs in turn, in one statement",
    "platform/jobs/writes.py": "asks PostgreSQL what the running transaction wrote",
    "platform/jobs/progress.py": "writes beside the running transaction",
    "platform/enrollments/queries.py": "a function of the database answers for a row of another tenant",
    "platform/enrollments/services/bulk.py": "compares and writes thousands of rows, with history and evidence of each",
    "platform/enrollments/services/corrections.py": "corrects them, and puts them back, the same way",
    "platform/enrollments/services/withdrawal.py": "takes them back the same way",
    "platform/imports/services/rows.py": "stages rows in sets",
    "platform/core/search.py": "asks the function that searches within the reader's scope",
    "admin_site/counting.py": "asks the planner for its guess; counts and bounds in one statement of compiled queries",
    "admin_site/paging.py": "the ids of a page, merged from compiled queries",
    "resources/writing.py": "one import at a time for an organization",
    "tasks/runner.py": "the time limit and the lock of the running statement",
}
THE_CLOCK = {
    "platform/core/clock.py": "it is the clock",
    "platform/config/postgres_home.py": "runs before Django is there",
}
MARKED_SAFE = {
    "platform/courses/reading.py": "Markdown of ours, cleaned",
    "platform/website/articles.py": "Markdown of ours, cleaned",
}
THE_HOST_HEADER = {
    "platform/website/templatetags/site.py": "alternate addresses of the page that is being read",
}
WITHOUT_CSRF: dict[str, str] = {
    "platform/website/views/webhooks.py": "another system posts; the signature on the bytes is what counts",
}
# Connections to a database, which the rule about signals cannot tell apart.
CONNECTING = {"platform/config/postgres.py", "platform/config/backups/making.py"}
THE_ENVIRONMENT = {
    "platform/config/management/commands/restore.py": "hands the new cluster's log-ins to the checks it starts",
    "platform/config/env.py": "reads the knobs",
    "platform/config/processes.py": "learns which process this is",
    "platform/config/wsgi.py": "names the settings and the process",
    "platform/notifications/management/commands/ops_test_email.py": "starts itself again with another dotenv file",
    "tasks/supervisor.py": "gives each cluster the name of its own queue",
}


def _is_bulk_write(node: ast.Call) -> bool:
    """QuerySet.update takes keywords only; what takes a positional argument is a dict or a digest."""
    called = node.func
    if not isinstance(called, ast.Attribute):
        return False
    return called.attr in {"bulk_create", "bulk_update"} or (
        called.attr == "update" and not node.args and bool(node.keywords)
    )


def test_rows_are_written_past_history_only_where_a_reason_says_why() -> None:
    """T3: history and evidence come from saves, one row at a time."""
    found = files_where(lambda tree: any(_is_bulk_write(n) for n in ast.walk(tree) if isinstance(n, ast.Call)))
    assert found == set(BULK_WRITES)


def test_sql_is_written_by_hand_only_where_a_reason_says_why() -> None:
    def speaks_sql(tree: ast.Module) -> bool:
        return any(True for name in ("execute", "executemany", "raw", "RawSQL") for _ in calls(tree, name))

    assert files_where(speaks_sql) == set(RAW_SQL)


def test_only_the_clock_tells_the_time() -> None:
    asking = files_using("timezone.now", "datetime.now", "datetime.utcnow", "date.today", "time.time", "localdate")
    assert asking == set(THE_CLOCK)


def test_only_demo_data_holds_the_clock() -> None:
    holding = files_using("clock.held_at")
    assert {path for path in holding if not path.startswith("platform/website/demo/")} == set()


def test_html_is_marked_safe_only_where_a_reason_says_why() -> None:
    assert files_using("mark_safe") == set(MARKED_SAFE)


def test_addresses_come_from_the_setting_and_not_from_the_host_header() -> None:
    assert files_using("get_host", "build_absolute_uri", "get_current_site") == set(THE_HOST_HEADER)


def test_forms_go_without_a_csrf_token_only_where_a_reason_says_why() -> None:
    assert files_using("csrf_exempt") == set(WITHOUT_CSRF)


def test_only_the_configuration_reads_the_environment() -> None:
    assert files_using("os.environ", "os.getenv") == set(THE_ENVIRONMENT)


def test_a_status_is_compared_with_its_enum_and_never_with_a_bare_word() -> None:
    found = [
        f"{path}:{node.lineno} {ast.unparse(node)[:80]}"
        for path, tree in product().items()
        for name in ("filter", "exclude", "get", "update")
        for node in calls(tree, name)
        for keyword in node.keywords
        if (keyword.arg or "").split("__")[-1] in {"status", "state", "approval_status"}
        and isinstance(keyword.value, ast.Constant)
    ]
    assert found == []


def test_no_save_method_of_a_model_is_replaced() -> None:
    found = [
        f"{path} {node.name}"
        for path, tree in product().items()
        if path.endswith(("models.py", "querysets.py"))
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and {"save", "delete"} & {getattr(item, "name", "") for item in node.body}
    ]
    assert found == []


def test_signals_are_received_only_at_the_edges_of_packages() -> None:
    receiving = files_using("dispatch.receiver", "receiver") | files_where(
        lambda tree: any(ast.unparse(node.func).split(".")[-2:-1] != ["app"] for node in calls(tree, "connect"))
    )
    assert {path for path in receiving if not path.endswith("receivers.py")} - CONNECTING == set()


def test_nothing_is_left_to_do() -> None:
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert [path for path in product() if mark.search((ROOT / path).read_text(encoding="utf-8"))] == []
