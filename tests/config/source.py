"""Read the product's own source as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("platform", "admin_site", "resources", "tasks")


@cache
def product() -> dict[str, ast.Module]:
    """Path (from the repository's root) and tree of every module of the product but migrations."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    }


def module_name(path: str) -> str:
    """`platform/core/rls.py` is imported as `core.rls`."""
    return path.removeprefix("platform/").removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Calls of a function or method of that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if name == (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")):
                yield node


def names(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that is used, imports included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_where(matches: Callable[[ast.Module], bool]) -> set[str]:
    """Paths of the modules whose tree matches."""
    return {path for path, tree in product().items() if matches(tree)}


def files_using(*wanted: str) -> set[str]:
    """Paths of the modules that use a dotted name ending in one of those wanted."""
    endings = tuple(f".{name}" for name in wanted)
    return files_where(lambda tree: any(f".{name}".endswith(endings) for name in names(tree)))


def strings(tree: ast.AST) -> set[str]:
    """Every string constant."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
