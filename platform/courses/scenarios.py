"""The time gate as a question for `manage.py scenario`."""

from __future__ import annotations

from core.scenarios import Answer, natural, question, upper
from courses.gates import time_gate


@question("time_gate", columns={"kind": upper, "verified_seconds": natural})
def time_gate_answer(*, kind: str, verified_seconds: int) -> Answer:
    """`open` or `closed`, with the code of a closed gate and the seconds."""
    gate = time_gate(kind, verified_seconds)
    return Answer(
        "open" if gate.open else "closed",
        {
            "code": gate.code,
            "required_seconds": gate.required_seconds,
            "verified_seconds": gate.verified_seconds,
            "missing_seconds": gate.missing_seconds,
        },
    )
