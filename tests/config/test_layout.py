"""The house stands as drawn: source roots, names, imports, the command hub."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = ROOT / "platform"
ABOVE_THE_ROOMS = {"admin_site", "resources", "tasks"}
RULES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def packages_of_ours() -> set[str]:
    return {path.parent.name for path in PLATFORM.glob("*/__init__.py")} | ABOVE_THE_ROOMS


def modules_of_other_distributions() -> set[str]:
    """Import names of everything installed but ourselves."""
    found: set[str] = set()
    for distribution in importlib.metadata.distributions():
        if distribution.name != "certaos":
            for file in distribution.files or ():
                first = file.parts[0]
                if first.endswith(".py") or (len(file.parts) > 1 and file.parts[1].endswith((".py", ".so"))):
                    found.add(first.removesuffix(".py"))
    return found


def test_platform_is_a_source_root_and_never_a_package() -> None:
    assert not (PLATFORM / "__init__.py").exists()


def test_a_fresh_interpreter_still_has_the_standard_librarys_platform_module() -> None:
    code = f"import sys; sys.path.append({str(PLATFORM)!r}); import platform, uuid; print(platform.system())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() in {"Linux", "Darwin"}


def test_only_manage_py_touches_the_search_path_and_it_appends() -> None:
    touching = {
        str(path.relative_to(ROOT)): re.findall(r"sys\.path\.(\w+)|sys\.path(?:\[|\s*=)", text)
        for folder in ("platform", "admin_site", "resources", "tasks", "deploy", "manage.py")
        for path in ([ROOT / folder] if folder.endswith(".py") else (ROOT / folder).rglob("*.py"))
        if "sys.path" in (text := path.read_text(encoding="utf-8"))
    }
    assert touching == {"manage.py": ["append"]}


def test_no_package_of_ours_hides_a_standard_or_an_installed_module() -> None:
    taken = set(sys.stdlib_module_names) | modules_of_other_distributions()
    assert {"platform", "django", "unfold", "psycopg", "six"} <= taken
    assert packages_of_ours() & taken == set()


def test_the_import_rules_know_every_package() -> None:
    rules = RULES["importlinter"]
    contracts = {contract["id"]: contract for contract in rules["contracts"]}
    layers = {name for layer in contracts["house"]["layers"] for name in re.findall(r"\w+", layer)}
    ours = packages_of_ours()
    assert set(rules["root_packages"]) == ours
    assert layers - {"api"} == ours - {"config"}
    assert set(contracts["config"]["source_modules"]) == ours - {"config"}
    assert set(contracts["room"]["containers"]) == ours - ABOVE_THE_ROOMS - {"config", "core", "website"}


def test_every_target_is_in_the_help_and_declared_phony() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == targets
    shown = subprocess.run(["make", "help"], check=True, capture_output=True, text=True, cwd=ROOT).stdout  # noqa: S607 -- the make of the caller's PATH is meant
    assert set(re.findall(r"^  make (\w+) +\S", shown, flags=re.MULTILINE)) == targets


def test_every_suppression_of_a_rule_gives_its_reason() -> None:
    bare = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?!.*--\s*\w)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("platform", "admin_site", "resources", "tasks", "deploy", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line) and "re.compile" not in line
    ]
    assert found == []
