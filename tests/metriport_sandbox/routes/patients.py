"""Patients: create (with fuzzy matching), read, look up, opt out."""

from aiohttp import web

from tests.metriport_sandbox.config import CX_ID
from tests.metriport_sandbox.errors import ApiError, bad_request, json_answer, not_found
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.rules.checks import Issues
from tests.metriport_sandbox.rules.matching import same_person
from tests.metriport_sandbox.rules.patient_form import PatientForm, read_patient
from tests.metriport_sandbox.state import Patient
from tests.metriport_sandbox.times import today

from .common import body_of, demand, patient_of

_BASE = "/medical/v1/patient"
_NEAR_PHOENIX = {"lat": 33.45, "lon": -112.07}


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""
    patients = PatientRoutes(sandbox)
    opt_out = f"{_BASE}/{{id}}/hie-opt-out"
    return [
        web.post(_BASE, patients.create, name="create-patient"),
        web.get(f"{_BASE}/external-id", patients.by_external_id, name="find-patient"),
        web.get(f"{_BASE}/{{id}}", patients.get, name="get-patient"),
        web.get("/medical/v1/facility/{id}", patients.facility, name="get-facility"),
        web.put(opt_out, patients.set_opt_out, name="set-opt-out"),
        web.get(opt_out, patients.get_opt_out, name="get-opt-out"),
    ]


class PatientRoutes:
    """Handlers of `/medical/v1/patient`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create(self, request: web.Request) -> web.Response:
        """Create a patient, or return a similar one unchanged: 201 either way (vendor code).

        A match ignores everything in the call: external id, facility, new demographics.
        """
        facility_id = demand(request, "facilityId")
        sandbox = self._sandbox
        form = read_patient(await body_of(request), today=today(sandbox.now()))
        for patient in sandbox.state.patients.values():
            if same_person(patient.demographics, form.demographics):
                return json_answer(patient.dto(), status=201)
        self._check_facility(facility_id)
        return json_answer(self._store(form, facility_id).dto(), status=201)

    async def get(self, request: web.Request) -> web.Response:
        """Return one patient."""
        return json_answer(patient_of(self._sandbox, request.match_info["id"]).dto())

    async def by_external_id(self, request: web.Request) -> web.Response:
        """Return the one patient with this external id; 400 if several share it."""
        external_id = demand(request, "externalId")
        patients = self._sandbox.state.patients.values()
        found = [patient for patient in patients if patient.external_id == external_id]
        if not found:
            raise not_found("Could not find patient", externalId=external_id)
        if len(found) > 1:
            raise bad_request("Found multiple patients with the same external ID")
        return json_answer(found[0].dto())

    async def set_opt_out(self, request: web.Request) -> web.Response:
        """Opt out of the networks, or in again."""
        patient = patient_of(self._sandbox, request.match_info["id"])
        wanted = demand(request, "hieOptOut")
        if wanted not in {"true", "false"}:
            issues = Issues()
            issues.choice(wanted, ("true", "false"), ("hieOptOut",))
            issues.raise_if_any()
        patient.opted_out = wanted == "true"
        return self._opt_out_answer(patient)

    async def get_opt_out(self, request: web.Request) -> web.Response:
        """Tell whether the patient opted out."""
        return self._opt_out_answer(patient_of(self._sandbox, request.match_info["id"]))

    async def facility(self, request: web.Request) -> web.Response:
        """Return one facility of the account (published package: id, name, npi, active)."""
        facility_id = request.match_info["id"]
        self._check_facility(facility_id)
        body = {"id": facility_id, "name": "Test facility", "npi": "1234567893", "active": True}
        return json_answer(body)

    def _opt_out_answer(self, patient: Patient) -> web.Response:
        state = "opted out from" if patient.opted_out else "opted in to"
        body = {"id": patient.id, "hieOptOut": patient.opted_out}
        return json_answer(body | {"message": f"Patient has been {state} the networks"})

    def _check_facility(self, facility_id: str) -> None:
        if facility_id not in self._sandbox.config.facility_ids:
            raise not_found("Could not find facility", id=facility_id, cxId=CX_ID)

    def _store(self, form: PatientForm, facility_id: str) -> Patient:
        sandbox = self._sandbox
        if len(sandbox.state.patients) >= sandbox.config.patient_limit:
            # Bare, and the number in the text never changes (vendor code).
            message = "Cannot create more than 20 patients in Sandbox mode!"
            raise ApiError(400, {"message": message})
        addresses = [
            address | {"coordinates": _NEAR_PHOENIX} for address in form.demographics["address"]
        ]
        patient = Patient(
            id=sandbox.ids.uuid7(),
            e_tag=sandbox.ids.etag(),
            facility_ids=[facility_id],
            created=sandbox.now(),
            demographics=form.demographics | {"address": addresses},
            external_id=form.external_id,
            additional_ids=form.additional_ids,
            opted_out=form.opted_out,
        )
        sandbox.state.patients[patient.id] = patient
        return patient
