"""Identity sessions: the API call and the hosted page behind it.

Metriport docs give the call, its answer, and that `ias.identity.verified` follows when the
person completed the hosted verification. Status codes, lifetimes, errors and the webhook's
shape are assumptions; the configuration can turn the doubtful ones.
"""

from typing import Any
from urllib.parse import urlencode

import pyotp
from aiohttp import web

from tests.metriport_sandbox.errors import json_answer
from tests.metriport_sandbox.events import IDENTITY_VERIFIED, identity_verified
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.pages import identity_page, redirect
from tests.metriport_sandbox.rules.checks import Issues
from tests.metriport_sandbox.rules.urls import redirect_problem, with_parameters
from tests.metriport_sandbox.state import Identity, IdentitySession, Patient
from tests.metriport_sandbox.times import iso

from .common import body_of, patient_of
from .hosted import continue_page, open_page, remember


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""
    identity = IdentityRoutes(sandbox)
    page = "/s/{token}"
    return [
        web.post("/medical/v1/identity/session", identity.create, name="create-identity-session"),
        web.get(page, identity.show, name="open-identity-page", allow_head=False),
        web.post(page, identity.submit, name="submit-identity-page"),
    ]


class IdentityRoutes:
    """Handlers of identity proofing."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create(self, request: web.Request) -> web.Response:
        """Create an identity session."""
        sandbox = self._sandbox
        patient, redirect_url, metadata = self._read(await body_of(request))
        session = IdentitySession(
            id=sandbox.ids.prefixed("ids"),
            token=sandbox.ids.token(),
            patient_id=patient.id,
            redirect_url=redirect_url,
            metadata=metadata,
            totp_secret=sandbox.ids.totp_secret(),
            expires=sandbox.now() + sandbox.config.hosted_page_seconds,
        )
        sandbox.state.identity_sessions[session.token] = session
        answer = {
            "sessionId": session.id,
            "sessionUrl": f"{sandbox.origin}/s/{session.token}",
            "expiresAt": iso(session.expires),
            "status": session.status,
        }
        return json_answer(answer)

    async def show(self, request: web.Request) -> web.Response:
        """Show the hosted page."""
        session, walk = open_page(self._sandbox, self._session(request), request)
        patient = self._sandbox.state.patients[session.patient_id]
        name = " ".join(patient.demographics[key] for key in ("firstName", "lastName"))
        totp = pyotp.TOTP(session.totp_secret, name=name, issuer="Metriport sandbox double")
        page = identity_page(
            walk=walk, name=name, secret=session.totp_secret, uri=totp.provisioning_uri()
        )
        return remember(page, walk, request.path)

    async def submit(self, request: web.Request) -> web.Response:
        """Finish or cancel; either way the browser goes back to the application."""
        form = await request.post()
        walk = str(form.get("walk", ""))
        session, _ = continue_page(self._sandbox, self._session(request), walk)
        session.finished = True
        if form.get("action") == "finish":
            self._verified(session)
        return redirect(self._return_url(session))

    def _read(self, body: Any) -> tuple[Patient, str, dict[str, str] | None]:
        issues = Issues()
        holder = issues.obj(body) or {}
        patient_id = issues.text(holder, "patientId")
        redirect_url = issues.text(holder, "redirectUrl") or ""
        metadata = issues.metadata(holder)
        issues.raise_if_any()
        patient = patient_of(self._sandbox, patient_id or "")
        if problem := redirect_problem(redirect_url, self._sandbox.config):
            issues.add(problem, ("redirectUrl",))
            issues.raise_if_any()
        return patient, redirect_url, metadata

    def _session(self, request: web.Request) -> IdentitySession | None:
        return self._sandbox.state.identity_sessions.get(request.match_info["token"])

    def _verified(self, session: IdentitySession) -> None:
        """Make the identity, and tell the account's webhook."""
        sandbox = self._sandbox
        session.status = "completed"
        identity = Identity(
            id=sandbox.ids.prefixed("pid"),
            patient_id=session.patient_id,
            totp_secret=session.totp_secret,
        )
        sandbox.state.identities[identity.id] = identity
        sandbox.background.spawn(self._announce(session, identity), name="identity verified")

    async def _announce(self, session: IdentitySession, identity: Identity) -> None:
        sandbox, shape = self._sandbox, self._sandbox.config.identity_webhook
        fields = identity_verified(
            session,
            identity,
            sandbox.state.patients[session.patient_id],
            at=sandbox.now(),
            shape=shape,
        )
        await sandbox.background.sleep(sandbox.config.identity_webhook_seconds)
        sandbox.sender.emit(
            IDENTITY_VERIFIED,
            fields,
            request_id=session.id if shape == "payload" else None,
            metadata=session.metadata,
        )

    def _return_url(self, session: IdentitySession) -> str:
        config = self._sandbox.config
        if not config.identity_redirect_parameters:
            return session.redirect_url
        status = session.status if session.status == "completed" else "cancelled"
        query = urlencode({"sessionId": session.id, "status": status})
        return with_parameters(session.redirect_url, query, style=config.redirect_style)
