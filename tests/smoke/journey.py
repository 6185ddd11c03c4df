"""The whole journey as four people, through a browser and plain HTTP."""

from __future__ import annotations

import datetime as dt
import io
import re
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.smoke.mailbox import Mailbox
from tests.smoke.people import Visitor

PASSWORD = "a quiet walk at 7 in the rain"
COURT = "cacb"
COURSE_PAGE = re.compile(r"/course/[0-9a-f-]{36}$")
PUBLIC_PAGES = ("/", "/es/", "/providers", "/become-a-provider", "/verify/", "/docs")


@dataclass(slots=True)
class Logins:
    """Demo people the journey needs, from the demo's own files."""

    platform_admin: str
    counselor: str
    nearly_done: str
    password: str


class Journey:
    """What happened so far is kept here from step to step; every method without underscore is one step."""

    def __init__(self, browser: Browser, base_url: str, mails: Mailbox, logins: Logins) -> None:
        self.base_url, self.mails, self.logins = base_url, mails, logins
        self.stamp = f"{time.time_ns() // 1_000_000 % 100_000_000:08d}"
        self.provider_name = f"Smoketest{self.stamp} Counseling"
        self.slug = f"smoketest{self.stamp}-counseling"
        self.admin_email = f"admin.{self.stamp}@smoke.example"
        self.client_email = f"client.{self.stamp}@smoke.example"
        names = ("applicant", "platform admin", "provider admin", "client", "nearly done", "counselor", "stranger")
        self.people = {name: Visitor(browser, base_url, name) for name in names}
        self.course_path = self.verify_path = ""
        self.graduate, self.graduate_email, self.talker = self["nearly done"], logins.nearly_done, self["counselor"]

    def __getitem__(self, name: str) -> Visitor:
        return self.people[name]

    def steps(self) -> list[Any]:
        return [
            self.public_pages_answer,
            self.an_applicant_asks_to_become_a_provider,
            self.the_platform_creates_and_approves_the_provider,
            self.the_platform_enters_a_district_approval,
            self.the_platform_invites_the_provider_admin,
            self.the_provider_admin_signs_up_by_the_mailed_link,
            self.the_provider_admin_completes_the_profile,
            self.a_client_asks_for_a_course,
            self.the_provider_admin_converts_the_request,
            self.the_client_signs_up,
            self.the_client_reads_the_disclosures,
            self.the_client_tells_the_details,
            self.the_client_pays_by_card,
            self.the_client_begins_the_course,
            self.heartbeats_count_the_time,
            self.the_gate_is_closed_before_the_hour,
            self.the_gate_opens,
            self.the_client_hands_in,
            self.the_counselor_records_the_talk,
            self.the_counselor_completes,
            self.the_worker_issues_the_certificate,
            self.the_client_downloads_the_certificate,
            self.a_stranger_verifies_the_certificate,
            self.nothing_broke_on_the_way,
        ]

    # --- the provider -----------------------------------------------------------------------------------------------
    def public_pages_answer(self) -> str:
        times = []
        for path in PUBLIC_PAGES:
            began = time.monotonic()
            with urllib.request.urlopen(self.base_url + path, timeout=30) as answer:  # noqa: S310 -- the stack under test
                assert answer.status == 200, f"{path} answers {answer.status}"
                answer.read()
            times.append(f"{path} {time.monotonic() - began:.2f} s")
        return ", ".join(times)

    def an_applicant_asks_to_become_a_provider(self) -> str:
        applicant = self["applicant"]
        applicant.visit("/become-a-provider")
        applicant.fill(
            organization_name=self.provider_name,
            is_nonprofit=True,
            kinds=["CC"],
            court_ids=[COURT],
            contact_name="Alex Applicant",
            contact_email=self.admin_email,
            contact_phone="(213) 555-0199",
        )
        with applicant.page.expect_navigation():
            applicant.page.locator("main form button[type=submit]").first.click()
        assert applicant.page.url.endswith("/thanks"), applicant.text()[:1500]
        return self.provider_name

    def the_platform_creates_and_approves_the_provider(self) -> str:
        staff = self["platform admin"]
        staff.sign_in(self.logins.platform_admin, self.logins.password, "/console/")
        staff.open_record("providers/providerapplication", self.admin_email)
        staff.act("create_provider")
        staff.act("approve")
        return "approved and active"

    def the_platform_enters_a_district_approval(self) -> str:
        staff, today = self["platform admin"], dt.datetime.now(dt.UTC).date()
        staff.open_record("organizations/providerprofile", self.provider_name.split()[0])
        staff.act(
            "add_district",
            court=COURT,
            kind="CC",
            valid_from=(today - dt.timedelta(days=2)).isoformat(),
            valid_to=(today + dt.timedelta(days=100)).isoformat(),
            reference="SMOKE-1",
        )
        staff.save_record(simulates_numbers=True)
        return f"{COURT}, CC"

    def the_platform_invites_the_provider_admin(self) -> str:
        staff = self["platform admin"]
        staff.open_record("providers/providerapplication", self.admin_email)
        staff.act("invite_admin")
        return self.admin_email

    def the_provider_admin_signs_up_by_the_mailed_link(self) -> str:
        link = self.mails.link(self.admin_email, "/invitations/")
        self["provider admin"].sign_up(link, PASSWORD, first_name="Alex", last_name="Applicant")
        self["provider admin"].visit("/console/")
        return link[:24] + "…"

    def the_provider_admin_completes_the_profile(self) -> str:
        admin = self["provider admin"]
        admin.open_record("organizations/providerprofile", self.provider_name.split()[0])
        admin.save_record(
            funding="Client fees",
            counselor_qualifications="National certification",
            refund_policy="You get the fee back until you begin.",
            fee_cents="3000",
        )
        return "fee 30.00 USD"

    # --- the client -------------------------------------------------------------------------------------------------
    def a_client_asks_for_a_course(self) -> str:
        client = self["client"]
        client.visit("/providers")
        client.visit(f"/{self.slug}/enroll")
        client.sees(self.provider_name)
        client.visit(f"/{self.slug}/enroll?kind=CC&mode=individual")
        client.fill(court_id=COURT, first_name="Casey", last_name="Smoketest", email=self.client_email)
        client.press("Send my request")
        client.sees("Your request is on its way")
        return self.client_email

    def the_provider_admin_converts_the_request(self) -> str:
        admin = self["provider admin"]
        admin.open_record("enrollments/enrollmentrequest", self.client_email)
        admin.act("convert")
        return "invited"

    def the_client_signs_up(self) -> str:
        link = self.mails.link(self.client_email, "/invitations/")
        client = self["client"]
        client.sign_up(link, PASSWORD)
        client.visit("/my/")
        client.page.locator('a[href*="/course/"]').first.click()
        client.page.wait_for_url(COURSE_PAGE)
        return "signed in"

    def the_client_reads_the_disclosures(self) -> str:
        client = self["client"]
        count = client.page.locator(".disclosures > li").count()
        assert count == 12, f"{count} disclosures are shown for credit counseling, not 12"
        client.fill(agreed=True)
        client.press("Go on")
        return f"{count} disclosures"

    def the_client_tells_the_details(self) -> str:
        client = self["client"]
        client.fill(birth_date="1985-04-12", ssn_last4="4821")
        client.press("Save and go on")
        return "name, birth date, four digits"

    def the_client_pays_by_card(self) -> str:
        client = self["client"]
        self.course_path = client.page.url.split("#")[0].removesuffix("/details")
        client.press("by card")
        client.page.wait_for_selector('[name="card_number"]')
        client.fill(card_number="4242 4242 4242 4242")
        client.page.locator('button[value="pay"]').click()
        client.page.wait_for_url(re.compile(re.escape(self.base_url)))
        client.visit(self.course_path)
        client.until("the payment", lambda: client.page.get_by_role("button", name="Begin Course").count() > 0)
        return "30.00 USD"

    def the_client_begins_the_course(self) -> str:
        client = self["client"]
        client.press("Begin Course")
        client.press("Start:")
        client.choose_first("choice")
        client.press("Send my answer")
        client.press("Next lesson")
        return "first lesson read and answered"

    def heartbeats_count_the_time(self) -> str:
        first = self._beat(self["client"])
        second = self._beat(self["client"])
        assert second >= first + 25, f"{first} s, and {second} s half a minute later"
        return f"{first} s, then {second} s"

    def _beat(self, person: Visitor) -> int:
        """Wait for the next report of the open page; returns the verified seconds that the server answers."""
        with person.page.expect_response(re.compile(r"/api/course/heartbeat")) as beat:
            person.page.mouse.wheel(0, 200)
        assert beat.value.status == 200, f"The heartbeat answers {beat.value.status}: {beat.value.text()}"
        return int(beat.value.json()["total_seconds"])

    # --- the gate, and the counselor --------------------------------------------------------------------------------
    def the_gate_is_closed_before_the_hour(self) -> str:
        """The demo's client who is 20 seconds short; where an earlier run led her past the gate, our own client."""
        nearly = self["nearly done"]
        nearly.sign_in(self.logins.nearly_done, self.logins.password, "/my/")
        nearly.page.locator('a[href*="/course/"]').first.click()
        nearly.page.wait_for_url(COURSE_PAGE)
        if not nearly.page.locator(".missing").count():
            return self._our_own_client_reads_on()
        self.course_path = nearly.page.url
        return self._closed_gate(nearly)

    def _closed_gate(self, person: Visitor) -> str:
        missing = person.page.locator(".missing").first
        assert "cc_minimum_time_required" in missing.inner_text(), missing.inner_text()
        return missing.locator("strong").first.inner_text()

    def _our_own_client_reads_on(self) -> str:
        """All lessons and the end test; a supervisor will accept less time, with a reason."""
        self.graduate, self.graduate_email, self.talker = self["client"], self.client_email, self["provider admin"]
        client = self.graduate
        while not client.page.get_by_role("link", name="To the test").count():
            client.choose_first("choice")
            client.press("Send my answer")
            if client.page.get_by_role("link", name="Next lesson").count():
                client.press("Next lesson")
        client.press("To the test")
        client.page.locator("main form button[value=start]").click()
        for name in client.page.locator("#test fieldset input[type=radio]").evaluate_all(
            "inputs => [...new Set(inputs.map(input => input.name))]"
        ):
            client.choose_first(name)
        client.press("Look over my answers")
        client.press("Hand in my answers")
        client.visit(self.course_path)
        return self._closed_gate(client)

    def the_gate_opens(self) -> str:
        """When the last seconds are served, or the supervisor accepts less."""
        if self.graduate is self["client"]:
            self.talker.open_record("enrollments/enrollment", self.client_email)
            self.talker.act("override_time", reason="A smoke test has no hour to spend.")
            return "less time accepted, with a reason"
        nearly = self.graduate
        nearly.page.locator('a[href*="/lessons/"], a[href$="/study"]').first.click()
        nearly.page.wait_for_selector("#heartbeat", state="attached")
        total = self._beat(nearly)
        while total < 3600:
            total = self._beat(nearly)
        return f"{total} s verified"

    def the_client_hands_in(self) -> str:
        self.graduate.visit(self.course_path)
        self.graduate.press("Send my course to the counselor")
        return "with the counselor"

    def the_counselor_records_the_talk(self) -> str:
        if self.talker is self["counselor"]:
            self.talker.sign_in(self.logins.counselor, self.logins.password, "/console/")
        self.talker.open_record("enrollments/enrollment", self.graduate_email)
        self.talker.act("record_talk", method="phone", identity_confirmed=True, notes="Spoke about the budget.")
        return "by phone, identity confirmed"

    def the_counselor_completes(self) -> str:
        self.talker.act("complete")
        return "completed"

    def the_worker_issues_the_certificate(self) -> str:
        client = self.graduate
        client.visit(self.course_path)
        download = client.page.get_by_role("link", name="Download the certificate (PDF)")
        client.until("the certificate", lambda: download.count() > 0)
        self.verify_path = client.page.locator('#certificate a[href*="/verify/"]').last.get_attribute("href") or ""
        return client.page.locator("#certificate .card").inner_text().splitlines()[1]

    def the_client_downloads_the_certificate(self) -> str:
        client = self.graduate
        path = client.page.get_by_role("link", name="Download the certificate (PDF)").get_attribute("href") or ""
        answer = client.context.request.get(path)
        assert answer.ok, f"{path} answers {answer.status}"
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.body())).pages).replace("\n", "")
        code = re.search(r"/verify/([0-9A-Z]{4}(?:-[0-9A-Z]{4}){4})", text)
        assert code, f"The certificate names no code:\n{text}"
        assert self.verify_path.endswith(code[0]), f"The page leads to {self.verify_path}, the paper to {code[0]}"
        return f"{len(answer.body())} bytes"

    def a_stranger_verifies_the_certificate(self) -> str:
        stranger = self["stranger"]
        stranger.visit(self.verify_path)
        words = stranger.text()
        assert "Valid" in words or "valid" in words, words[:800]
        stranger.visit("/verify/AAAA-AAAA-AAAA-AAAA-AAAA")
        stranger.sees("We have no certificate with this code")
        return self.verify_path

    def nothing_broke_on_the_way(self) -> str:
        faults = [fault for person in self.people.values() for fault in person.faults]
        assert not faults, "\n".join(faults)
        return "no answer of 500, no script error"
