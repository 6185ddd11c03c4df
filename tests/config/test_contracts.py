"""What one part names, another part has: kinds of work, mails, refusals, factories, commands, migrations."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from django.apps import apps
from django.core.management import call_command, get_commands, load_command_class
from django.utils.translation import override

from core.errors import declared_errors
from core.models import Row
from core.scope import scope_of
from tasks.registry import registered
from tasks.schedules import SCHEDULES
from tests.config.source import ROOT, calls, module_name, product, strings
from tests.factories import cases, money, people, shared
from website.sign_in import MAILS as MAILS_OF_ALLAUTH

MAILS = ROOT / "templates" / "email"
# Calls that pass a name on; the names they may pass are tested at their source.
PASSED_ON = {("tasks/schedules.py", "schedule.kind"), ("platform/website/sign_in.py", "MAILS[template_prefix]")}
# Functions of ours that take the name of a mail as their second argument.
MAIL_SENDERS = ("tell_client", "_tell")
MADE_ELSEWHERE = {
    "audit.AuditEvent": "the database function that appends evidence",
    "audit.AuditHead": "the same",
    "core.Counter": "core.sequences",
    "core.RateLimit": "core.limits",
    "core.RowSecurityBaseline": "rls_apply",
    "courses.Chapter": "load_content",
    "courses.Lesson": "load_content",
    "courses.Question": "load_content",
    "enrollments.DisclosureSet": "load_content",
    "organizations.FirmProfile": "make_firm",
    "organizations.ProviderProfile": "make_provider",
    "providers.District": "a migration",
}


def named(function: str, place: int = 0) -> Iterator[tuple[str, ast.expr]]:
    """The argument at `place` of every call of `function`, with the file it stands in."""
    for path, tree in product().items():
        for call in calls(tree, function):
            if len(call.args) > place and isinstance(call.func, ast.Name):
                yield path, call.args[place]


def is_passed_on(path: str, node: ast.expr) -> bool:
    """Whether the call only hands on a name: it is listed, or the name is a parameter of the function around it."""
    is_parameter = isinstance(node, ast.Name) and not hasattr(importlib.import_module(module_name(path)), node.id)
    return is_parameter or (path, ast.unparse(node)) in PASSED_ON


def value_of(path: str, node: ast.expr) -> Any:
    """What the expression is: a constant, or a name of the module it stands in."""
    if isinstance(node, ast.Constant):
        return node.value
    return eval(ast.unparse(node), vars(importlib.import_module(module_name(path))))  # noqa: S307 -- our own source


def pattern_of(path: str, node: ast.expr) -> str:
    """A regular expression for the names the expression can be: an f-string may fill in one word."""
    if isinstance(node, ast.JoinedStr):
        return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+" for part in node.values)
    return re.escape(str(value_of(path, node)))


def test_every_kind_of_work_that_is_asked_for_has_a_task() -> None:
    asked = {value_of(path, node) for path, node in named("enqueue") if not is_passed_on(path, node)}
    asked |= {schedule.kind for schedule in SCHEDULES}
    assert asked - set(registered()) == set()


def test_every_task_is_asked_for() -> None:
    everything = set().union(*(strings(tree) for path, tree in product().items()))
    assert {kind for kind in registered() if kind not in everything} == set()


def test_every_mail_that_is_sent_has_its_templates() -> None:
    events = {
        ".".join(path.parent.relative_to(MAILS).parts)
        for path in MAILS.rglob("subject.txt")
        if (path.parent / "body.txt").exists() and (path.parent / "body.html").exists()
    }
    sent = [*named("notify"), *(each for function in MAIL_SENDERS for each in named(function, 1))]
    wanted = {pattern_of(path, node) for path, node in sent if not is_passed_on(path, node)}
    wanted |= {re.escape(event) for event in MAILS_OF_ALLAUTH.values()}
    assert {name for name in wanted if not any(re.fullmatch(name, event) for event in events)} == set()


def test_every_refusal_says_in_both_languages_what_happened_and_what_to_do() -> None:
    found = {}
    for code, text in declared_errors().items():
        with override("en"):
            english = (str(text.sentence), str(text.next_action))
        with override("es"):
            spanish = (str(text.sentence), str(text.next_action))
        missing = [part for part in (*english, *spanish) if not part]
        alike = [one for one, other in zip(english, spanish, strict=True) if one == other]
        if missing or alike:
            found[code] = alike or "empty"
    assert found == {}


def test_every_refusal_that_is_raised_is_declared() -> None:
    raised = {
        call.args[0].value
        for tree in product().values()
        for call in calls(tree, "DomainError")
        if call.args and isinstance(call.args[0], ast.Constant)
    }
    assert raised - set(declared_errors()) == set()


def test_every_refusal_that_is_declared_can_happen() -> None:
    spoken = set().union(*(strings(tree) for path, tree in product().items() if not path.endswith("errors.py")))
    assert set(declared_errors()) - spoken == set()


def test_every_model_has_a_factory() -> None:
    made = {
        get_type_hints(function)["return"]
        for module in (cases, money, people, shared)
        for name, function in vars(module).items()
        if name.startswith("make_")
    }
    ours = {model for model in apps.get_models() if issubclass(model, Row) or hasattr(model, "privacy")}
    old_versions = {model for model in ours if hasattr(model, "instance_type")}
    without = {model._meta.label for model in ours - old_versions - made}
    assert without == set(MADE_ELSEWHERE)


def test_every_model_of_ours_states_its_scope_itself() -> None:
    ours = [model for model in apps.get_models() if issubclass(model, Row)]
    assert [model._meta.label for model in ours if "scope" not in vars(model)] == []
    assert len([scope_of(model) for model in ours]) > 30


@pytest.mark.django_db
def test_the_migrations_are_as_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def our_commands() -> dict[str, str]:
    ours = {config.name for config in apps.get_app_configs() if str(ROOT) in config.path and ".venv" not in config.path}
    return {name: str(app) for name, app in get_commands().items() if str(app) in ours}


def test_every_command_explains_itself_and_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = our_commands()
    assert {"rls_apply", "seed_demo", "worker"} <= set(commands)
    mute = [name for name, app in commands.items() if not load_command_class(app, name).help]
    assert mute == []
    assert [name for name in commands if not re.search(rf"`[^`\n]*\b{name}\b", readme)] == []
