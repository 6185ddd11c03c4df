"""The written policy: `policy.csv` and its groups. What no rule allows is denied.

allow          an answer, and for a POST an effect with evidence     confirm   a page, and no effect
404, 403, 405  exactly that                                          login     to the sign-in page
deny           one of the four, and no effect                        open      for everybody: no failure, no leak
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tests.matrix.discovery import Act

HERE = Path(__file__).parent
VERDICTS = frozenset({"allow", "404", "403", "405", "login", "confirm", "deny", "open"})


@dataclass(slots=True)
class Rule:
    """One line. Every part may be a group (`@name`), a wildcard, or several words."""

    line: int
    act: str
    role: str
    scope: str
    verdict: str
    uses: int = field(default=0)


class Policy:
    """First rule that fits decides; exceptions therefore stand above what they except."""

    def __init__(self, path: Path = HERE / "policy.csv", groups: Path = HERE / "groups.csv") -> None:
        with groups.open(newline="", encoding="utf-8") as file:
            self._groups = {row["group"]: row["members"].split() for row in csv.DictReader(file)}
        self._by_act: dict[str, list[Rule]] = {}
        self._known: dict[tuple[str, str], bool] = {}
        with path.open(newline="", encoding="utf-8") as file:
            self.rules = [
                Rule(number, *(row[name] for name in ("act", "role", "scope", "verdict")))
                for number, row in enumerate(csv.DictReader(file), start=2)
            ]
        unknown = {rule.verdict for rule in self.rules} - VERDICTS
        if unknown:
            raise AssertionError(f"unknown verdicts {unknown}")

    def verdict(self, act: Act, role: str, scope: str) -> str:
        """What the policy says about one cell; `deny` when nothing is said. Counts as a use of the rule."""
        rule = self._rule(act, role, scope)
        if rule is None:
            return "deny"
        rule.uses += 1
        return rule.verdict

    def peek(self, act: Act, role: str, scope: str) -> str:
        """The same, without counting."""
        rule = self._rule(act, role, scope)
        return rule.verdict if rule else "deny"

    def _rule(self, act: Act, role: str, scope: str) -> Rule | None:
        for rule in self._rules_of(act):
            if self._fits(rule.role, role) and self._fits(rule.scope, scope):
                return rule
        return None

    def _rules_of(self, act: Act) -> list[Rule]:
        if act.name not in self._by_act:
            self._by_act[act.name] = [rule for rule in self.rules if self._fits_act(rule, act)]
        return self._by_act[act.name]

    def names(self, act: Act) -> bool:
        """Whether any rule speaks of this act by name: an act of a record, or a record, that only a wildcard covers
        is not listed."""
        return any(self._by_name(rule, act) for rule in self._rules_of(act))

    def _by_name(self, rule: Rule, act: Act) -> bool:
        _area, noun, what = rule.act.partition(" ")[2].split("/", 2)
        named = act.noun in self._spread(noun)
        if act.what.startswith(("do:", "bulk:", "ticked:", "page:")):
            return named and act.what in self._spread(what)
        return named and ("*" not in self._spread(what) or act.area == "accounts")

    def dead(self) -> list[str]:
        """Rules that decided no cell, once all cells were asked for."""
        return [f"line {rule.line}: {rule.act},{rule.role},{rule.scope}" for rule in self.rules if not rule.uses]

    def _fits_act(self, rule: Rule, act: Act) -> bool:
        verb, _, path = rule.act.partition(" ")
        area, noun, what = path.split("/", 2)
        return (
            fnmatchcase(act.verb, verb)
            and area == act.area
            and self._fits(noun, act.noun)
            and self._fits(what, act.what)
        )

    def _fits(self, wanted: str, value: str) -> bool:
        if (wanted, value) not in self._known:
            self._known[wanted, value] = any(fnmatchcase(value, pattern) for pattern in self._spread(wanted))
        return self._known[wanted, value]

    def _spread(self, wanted: str) -> list[str]:
        found: list[str] = []
        for word in wanted.split():
            found += self._spread(" ".join(self._groups[word])) if word.startswith("@") else [word]
        return found
