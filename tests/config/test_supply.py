"""What we build on is pinned by hash, and our own source keeps off what is dangerous. Works without a network; ruff's
flake8-bandit rules (S) run in `make check`, and lists of what may be where stand in `test_rules`."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator

import pytest

from tests.config.source import ROOT, product
from tests.trials import Trial

DANGEROUS = {
    "eval", "exec", "pickle.loads", "pickle.load", "marshal.loads", "yaml.load", "os.system", "os.popen",
    "subprocess.getoutput", "tempfile.mktemp", "hashlib.md5", "hashlib.sha1", "random.seed",
}  # fmt: skip
SECRETS = {
    "a private key": r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----",
    "a live Stripe key": r"\b[sr]k_live_[0-9A-Za-z]{20,}",
    "a webhook secret": r"\bwhsec_[0-9A-Za-z]{24,}",
    "a Resend key": r"\bre_[0-9A-Za-z]{8,}_[0-9A-Za-z]{16,}",
    "an AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[0-9A-Za-z]{36,}",
    "a password in an address": r"://[a-z_]+:[A-Za-z0-9]{16,}@(?!127\.0\.0\.1)",
}
WAITING = re.compile(r"(?:requests|httpx)\.(?:get|post|put|patch|delete|head|request)|(?:urllib\.request\.)?urlopen")
MONEY = ("platform/payments/", "platform/core/money.py", "resources/payments.py", "tasks/payments.py")


def unpinned(lock: str) -> list[str]:
    """Packages of the lock that could be replaced by something else without anybody noticing."""
    found = []
    for package in tomllib.loads(lock)["package"]:
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
        is_ours = "editable" in package["source"]
        if not is_ours and (not files or not all(file.get("hash", "").startswith("sha256:") for file in files)):
            found.append(package["name"])
    return found


def dangerous(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            said = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if said.get("usedforsecurity") == "False":
                continue
            if called in DANGEROUS or said.get("shell") == "True" or said.get("verify") == "False":
                yield f"line {node.lineno}: {called}"
            if WAITING.fullmatch(called) and "timeout" not in said:
                yield f"line {node.lineno}: {called} waits for ever"


def floats(tree: ast.AST) -> Iterator[str]:
    """Fractions where cents are calculated. A division by a number that is written out, by 100, is for people."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "float":
            yield f"line {node.lineno}: float()"
        is_fraction = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        if is_fraction and not isinstance(vars(node)["right"], ast.Constant | ast.JoinedStr):
            yield f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"line {node.lineno}: {node.value}"


def secrets(text: str) -> Iterator[str]:
    for what, pattern in SECRETS.items():
        if re.search(pattern, text):
            yield what


def tracked() -> list[str]:
    listed = subprocess.run(["/usr/bin/git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.torture("Q-11")
def test_supply_and_source_follow_the_rules(trial: Trial) -> None:
    found = {"uv.lock": unpinned((ROOT / "uv.lock").read_text(encoding="utf-8"))}
    found |= {path: [*dangerous(tree)] for path, tree in product().items()}
    for path, tree in product().items():
        if path.startswith(MONEY):
            found[path] += floats(tree)
    for name in tracked():
        if not name.endswith((".mo", ".png", ".woff2", ".ico", ".pdf")) and name != "tests/config/test_supply.py":
            text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
            found.setdefault(name, []).extend(secrets(text))
    faults = {path: list(said) for path, said in found.items() if list(said)}

    assert faults == {}
    trial.report(
        n=len(found), violations=len(faults), packages=len(tomllib.loads((ROOT / "uv.lock").read_text())["package"])
    )


@pytest.mark.control("Q-11")
def test_each_rule_sees_what_it_is_for() -> None:
    bad = ast.parse("import os\neval('1')\nos.system('ls')\nrun(x, shell=True)\nrequests.get(url)\n")
    assert len(list(dangerous(bad))) == 4
    assert len(list(floats(ast.parse("cents = float(x) * 0.5\nshare = total / parts")))) == 3
    assert list(secrets("key = 'sk_live_" + "a1" * 12 + "'")) == ["a live Stripe key"]
    lock = '[[package]]\nname = "loose"\nversion = "1"\nsource = { registry = "x" }\nwheels = [{ url = "x" }]\n'
    assert unpinned(lock) == ["loose"]
