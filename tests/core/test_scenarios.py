"""Rule questions from a file: answers, refusals as answers, and files that are refused as a whole."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import certificates.scenarios
import courses.scenarios
import enrollments.scenarios
import payments.scenarios
from core.scenarios import Answer, ScenarioError, answer_file, declared_questions, natural, question, text

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (certificates.scenarios, courses.scenarios, enrollments.scenarios, payments.scenarios)


@pytest.fixture
def ask(tmp_path):
    """Answer rows given as dictionaries; the columns are those that occur."""

    def answer(*rows):
        columns = list(dict.fromkeys(["id", "question", *(name for row in rows for name in row)]))
        content = io.StringIO()
        writer = csv.DictWriter(content, columns, restval="")
        writer.writeheader()
        writer.writerows({"id": str(number), **row} for number, row in enumerate(rows, start=1))
        return answer_file(write(tmp_path, content.getvalue()))

    return answer


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "questions.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_rooms_declare_the_questions_of_the_contract():
    columns = {name: set(asked.columns) for name, asked in declared_questions().items()}

    assert columns["de_deadline"] == {"chapter", "first_set_341_date", "explicit_deadline", "court_id"}
    assert columns["counseling_age"] == {"counseled_at", "filed_at"}
    assert columns["fee_waiver"] == {"household_size", "annual_income_cents", "state", "on_date"}
    assert columns["time_gate"] == {"kind", "verified_seconds"}
    assert columns["certificate_due"] == {"kind", "completed_at", "court_id"}
    assert all(room.__name__.endswith(".scenarios") for room in ROOMS)


def test_a_deadline_is_answered_as_an_iso_date_with_its_ground(ask):
    row = {"question": "de_deadline", "chapter": "7", "first_set_341_date": "2026-05-04", "court_id": "nysb"}

    assert ask(row) == [
        {
            "id": "1",
            "answer": "2026-07-06",
            "detail": {
                "basis": "first_meeting_date",
                "raw_date": "2026-07-03",
                "rolled_because": ["Independence Day (observed)", "Saturday", "Sunday"],
            },
        }
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"question": "de_deadline", "chapter": "13", "court_id": "nysb"}, "de_deadline_required"),
        ({"question": "de_deadline", "chapter": "7", "court_id": "nysb"}, "meeting_or_deadline_required"),
        ({"question": "de_deadline", "chapter": "12", "court_id": "nysb"}, "de_not_required"),
        ({"question": "de_deadline", "chapter": "9", "court_id": "nysb"}, "unknown_chapter"),
        (
            {"question": "de_deadline", "chapter": "7", "first_set_341_date": "2026-05-04", "court_id": "zzb"},
            "unknown_court",
        ),
        (
            {"question": "certificate_due", "kind": "CC", "completed_at": "2026-03-04", "court_id": "zz"},
            "unknown_court",
        ),
        ({"question": "time_gate", "kind": "XX", "verified_seconds": "1"}, "unknown_kind"),
        (
            {
                "question": "fee_waiver",
                "household_size": "1",
                "annual_income_cents": "0",
                "state": "NY",
                "on_date": "2020-01-01",
            },
            "no_guideline_for_date",
        ),
    ],
)
def test_a_refusal_of_the_rule_is_an_answer(ask, row, code):
    [found] = ask(row)

    assert (found["answer"], found["detail"]["code"]) == (code, code)


def test_counseling_is_answered_with_its_days(ask):
    found = ask(
        {"question": "counseling_age", "counseled_at": "2026-01-01", "filed_at": "2026-06-30"},
        {"question": "counseling_age", "counseled_at": "2025-12-31", "filed_at": "2026-06-30"},
        {
            "question": "counseling_age",
            "counseled_at": "2026-06-30T15:00:00-07:00",
            "filed_at": "2026-06-30T17:30:00-04:00",
        },
        {"question": "counseling_age", "counseled_at": "2026-06-30 09:00", "filed_at": "2026-06-30 09:01"},
    )

    assert [(row["answer"], row["detail"]["days"]) for row in found] == [
        ("warn", 180), ("expired", 181), ("not_before", 0), ("ok", 0),
    ]  # fmt: skip


def test_a_fee_waiver_is_answered_with_its_line(ask):
    def row(cents, state):
        return {
            "question": "fee_waiver",
            "household_size": "1",
            "annual_income_cents": cents,
            "state": state,
            "on_date": "2026-02-01",
        }

    found = ask(row("2393999", "NY"), row("2394000", "ny"))

    assert [(entry["answer"], entry["detail"]["threshold_cents"]) for entry in found] == [
        ("presumed", 2_394_000),
        ("not_presumed", 2_394_000),
    ]


def test_a_time_gate_is_answered_with_code_and_seconds(ask):
    closed, opened = ask(
        {"question": "time_gate", "kind": "DE", "verified_seconds": "7199"},
        {"question": "time_gate", "kind": "DE", "verified_seconds": "7200"},
    )

    assert (closed["answer"], closed["detail"]["code"]) == ("closed", "de_minimum_time_required")
    assert (opened["answer"], opened["detail"]["code"]) == ("open", None)
    assert closed["detail"]["required_seconds"] == opened["detail"]["required_seconds"] == 7200


@pytest.mark.parametrize(
    ("completed_at", "answer"),
    [
        ("2026-03-05T07:30:00Z", "2026-03-05"),
        ("2026-03-04T23:30:00-08:00", "2026-03-05"),
        ("2026-03-04T23:30", "2026-03-05"),
        ("2026-03-04", "2026-03-05"),
        ("2026-03-05T08:30:00Z", "2026-03-06"),
    ],
)
def test_an_issue_clock_is_answered_on_the_courts_own_day(ask, completed_at, answer):
    row = {"question": "certificate_due", "kind": "CC", "completed_at": completed_at, "court_id": "cacb"}

    assert ask(row)[0]["answer"] == answer


def test_answers_keep_the_order_of_the_file_and_blank_lines_do_not_count(tmp_path):
    path = write(
        tmp_path, "\ufeffquestion,verified_seconds,kind,id\r\ntime_gate,1,CC,b\r\n,,,\r\n\r\ntime_gate,9999,CC,a\r\n"
    )

    assert [(row["id"], row["answer"]) for row in answer_file(path)] == [("b", "closed"), ("a", "open")]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "is empty"),
        ("id,question,colour\n", "Unknown column 'colour'"),
        ("id,question,kind,kind\n", "Column 'kind' stands twice"),
        ("id,kind\n", "Column 'question' is missing"),
        ("question,kind\n", "Column 'id' is missing"),
        ("id,question\n1,what_is_love\n", "Row 2: unknown question 'what_is_love'"),
        ("id,question,kind,verified_seconds\n1,time_gate,CC,soon\n", "Row 2, column 'verified_seconds': 'soon'"),
        ("id,question,kind,verified_seconds\n1,time_gate,CC,-5\n", "not negative"),
        ("id,question,kind,verified_seconds\n1,time_gate,CC,\n", "Row 2, column 'verified_seconds'"),
        ("id,question,kind\n1,time_gate,CC\n", "Row 2, column 'verified_seconds'"),
        ("id,question,kind,verified_seconds,state\n1,time_gate,CC,5,NY\n", "unknown column 'state' for question"),
        ("id,question,kind,verified_seconds\n1,time_gate,CC,5,6\n", "Row 2 has more cells"),
        ("id,question,counseled_at,filed_at\n1,counseling_age,2026-02-30,2026-03-01\n", "'counseled_at': '2026-02-30'"),
        ("id,question,counseled_at,filed_at\n1,counseling_age,20260201,2026-03-01\n", "must be a date"),
        ("id,question,counseled_at,filed_at\n1,counseling_age,2026-02-01T25:00,2026-03-01\n", "'counseled_at'"),
        (
            "id,question,counseled_at,filed_at\n1,counseling_age,2026-02-01T09:00Z,2026-02-01T10:00\n",
            "Row 2: counseled_at and filed_at",
        ),
        ('id,question\n1,"time_gate\n', "cannot be read"),
        (b"id,question\n1,caf\xe9\n", "cannot be read"),
    ],
)
def test_a_malformed_file_is_refused_and_the_place_is_named(tmp_path, content, named):
    with pytest.raises(ScenarioError) as refusal:
        answer_file(write(tmp_path, content))

    assert named in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="No such file"):
        answer_file(tmp_path / "nothing.csv")


def test_a_question_is_declared_once_and_leaves_the_fixed_columns_alone():
    with pytest.raises(ValueError, match="declared twice"):
        question("time_gate", columns={"kind": text})(lambda **_values: Answer(""))
    with pytest.raises(ValueError, match="reserved"):
        question("brand_new", columns={"id": natural})(lambda **_values: Answer(""))


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with a database address where nobody listens."""
    nowhere = "postgresql://nobody:nothing@127.0.0.1:9/nothing"
    return subprocess.run(
        [sys.executable, "manage.py", "scenario", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": nowhere, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_prints_json_without_a_database(tmp_path):
    path = write(tmp_path, "id,question,kind,verified_seconds\nx,time_gate,CC,3600\n")

    done = run_command(str(path), "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [
        {
            "id": "x",
            "answer": "open",
            "detail": {"code": None, "required_seconds": 3600, "verified_seconds": 3600, "missing_seconds": 0},
        }
    ]


def test_the_command_prints_a_table_for_people(tmp_path):
    path = write(tmp_path, "id,question,kind,verified_seconds\nx,time_gate,CC,3599\n")

    done = run_command(str(path))

    assert done.stdout.splitlines() == [
        "id  answer  detail",
        "x   closed  code=cc_minimum_time_required  required_seconds=3600  verified_seconds=3599  missing_seconds=1",
    ]


def test_the_command_answers_all_of_a_file_or_nothing(tmp_path):
    path = write(tmp_path, "id,question,kind,verified_seconds\nx,time_gate,CC,3600\ny,nonsense,CC,1\n")

    done = run_command(str(path), "--json")

    assert (done.returncode, done.stdout) == (2, "")
    assert "Row 3: unknown question 'nonsense'" in done.stderr
