"""AAL2 challenges: the API call, the hosted page, and the browser's way back.

Metriport docs: success redirects with `aal2SessionId` and `status=verified`, and no webhook
tells of it. What failure and cancelling look like is assumed: `status=failed`,
`status=cancelled`, no session id. The code is a real TOTP of the secret that the identity
page showed; one step of clock drift is forgiven, and a code may be used twice.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pyotp
from aiohttp import web

from tests.metriport_sandbox.errors import bad_request, json_answer, not_found
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.pages import aal2_page, redirect
from tests.metriport_sandbox.rules.checks import Issues
from tests.metriport_sandbox.rules.urls import redirect_problem, with_parameters
from tests.metriport_sandbox.state import Aal2Session, Challenge, Identity
from tests.metriport_sandbox.times import iso

from .common import body_of
from .hosted import continue_page, open_page, remember

_TRIES = 3
_WRONG_CODE = "That code is not right. Wait for the next one and try again."


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""
    aal2 = Aal2Routes(sandbox)
    api, page = "/medical/v1/identity/aal2/challenge", "/aal2/{token}"
    return [
        web.post(api, aal2.create, name="create-aal2-challenge"),
        web.get(page, aal2.show, name="open-aal2-page", allow_head=False),
        web.post(page, aal2.submit, name="submit-aal2-page"),
    ]


class Aal2Routes:
    """Handlers of the multifactor challenge."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create(self, request: web.Request) -> web.Response:
        """Create a challenge for an active identity."""
        sandbox = self._sandbox
        identity, redirect_url = self._read(await body_of(request))
        challenge = Challenge(
            id=sandbox.ids.prefixed("aalc"),
            token=sandbox.ids.token(),
            identity_id=identity.id,
            redirect_url=redirect_url,
            expires=sandbox.now() + sandbox.config.hosted_page_seconds,
        )
        sandbox.state.challenges[challenge.token] = challenge
        answer = {
            "challengeId": challenge.id,
            "challengeUrl": f"{sandbox.origin}/aal2/{challenge.token}",
            "expiresAt": iso(challenge.expires),
            "method": "totp",
        }
        return json_answer(answer)

    async def show(self, request: web.Request) -> web.Response:
        """Show the hosted page."""
        _, walk = open_page(self._sandbox, self._challenge(request), request)
        return remember(aal2_page(walk=walk), walk, request.path)

    async def submit(self, request: web.Request) -> web.Response:
        """Check the code: three tries, then the browser goes back with a failure."""
        form = await request.post()
        given = str(form.get("walk", ""))
        challenge, walk = continue_page(self._sandbox, self._challenge(request), given)
        if form.get("action") == "cancel":
            return self._back(challenge, {"status": "cancelled"})
        if self._is_right(challenge, str(form.get("code", ""))):
            session = self._session(challenge)
            return self._back(challenge, {"aal2SessionId": session.id, "status": "verified"})
        challenge.wrong_codes += 1
        if challenge.wrong_codes >= _TRIES:
            return self._back(challenge, {"status": "failed"})
        return aal2_page(walk=walk, alert=_WRONG_CODE)

    def _read(self, body: Any) -> tuple[Identity, str]:
        issues = Issues()
        holder = issues.obj(body) or {}
        identity_id = issues.text(holder, "proofedIdentityId") or ""
        redirect_url = issues.text(holder, "redirectUrl") or ""
        issues.raise_if_any()
        if (identity := self._sandbox.state.identities.get(identity_id)) is None:
            raise not_found("Could not find proofed identity", id=identity_id)
        if identity.status != "active":
            raise bad_request("Proofed identity is not active")
        if problem := redirect_problem(redirect_url, self._sandbox.config):
            issues.add(problem, ("redirectUrl",))
            issues.raise_if_any()
        return identity, redirect_url

    def _challenge(self, request: web.Request) -> Challenge | None:
        return self._sandbox.state.challenges.get(request.match_info["token"])

    def _is_right(self, challenge: Challenge, code: str) -> bool:
        identity = self._sandbox.state.identities[challenge.identity_id]
        now = datetime.fromtimestamp(self._sandbox.now(), UTC)
        digits = code.replace(" ", "")
        return pyotp.TOTP(identity.totp_secret).verify(digits, for_time=now, valid_window=1)

    def _session(self, challenge: Challenge) -> Aal2Session:
        sandbox = self._sandbox
        identity = sandbox.state.identities[challenge.identity_id]
        session = Aal2Session(
            id=sandbox.ids.prefixed("aal2"),
            identity_id=identity.id,
            patient_id=identity.patient_id,
            expires=sandbox.now() + sandbox.config.aal2_session_seconds,
        )
        sandbox.state.aal2_sessions[session.id] = session
        return session

    def _back(self, challenge: Challenge, parameters: dict[str, str]) -> web.Response:
        challenge.finished = True
        style = self._sandbox.config.redirect_style
        return redirect(with_parameters(challenge.redirect_url, urlencode(parameters), style=style))
