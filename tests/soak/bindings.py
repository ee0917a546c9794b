"""Two or three people whose verifications, proofs, sessions and queries interleave at random (I2).

Each query that has an identity and a session is made into the request that the gateway would send, and its
body and headers are read: nothing in it may be another's than whose command it was. Who made what is known
from how the case was made, never from the rules. A case is its seed: ``--cases 1 --seed S`` repeats one.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from schemas.ids import PatientId, RequestId, SessionId, SubjectId
from service.gateway import protocol
from service.gateway.protocol import IasProof, VendorRequest
from service.ias.correlation import QUERY_METADATA_KEY
from service.ias.identity import choose
from service.testing import retrieving
from service.testing.memory import Query
from tests.soak.campaign import arguments, told
from tests.soak.people import ACTS, link, verify
from tests.soak.proving import Choose, Scene

PEOPLE: Final = (SubjectId("ann"), SubjectId("bob"), SubjectId("cy"))
STEPS: Final = 40
SHOWN: Final = 5
SHARED: Final = PatientId("shared")


@dataclass
class Counted:
    """What happened over all cases."""

    cases: int = 0
    bound: int = 0
    refused: int = 0
    queries: int = 0
    wrong: list[str] = field(default_factory=list)


def play(seed: int, choosing: Choose = choose) -> tuple[Scene, list[str], int]:
    """One case: the scene as it ends, what was wrong in it, and how many queries were looked at."""
    draw = random.Random(seed)
    scene = Scene(draw, choosing)
    people = PEOPLE[: draw.choice((2, 2, 3))]
    for who in people:
        alone = draw.random() < 1 / 4
        scene.patients[who] = PatientId(f"of-{who}") if alone else SHARED
        link(scene, who)
        verify(scene, who)
    judged: set[tuple[RequestId, SessionId]] = set()
    wrong: list[str] = []
    for step in range(STEPS):
        act = draw.choice(ACTS)
        act(scene, draw.choice(people))
        retrieving.settle(scene.world)
        found = [*_wrong_identities(scene), *_wrong_queries(scene, judged)]
        wrong += [f"--cases 1 --seed {seed}: step {step}, {act.__name__}: {one}" for one in found]
        if found:
            break
    return scene, wrong, len(judged)


def _wrong_identities(scene: Scene) -> Iterator[str]:
    for pid, held in scene.held.items():
        if scene.makers[pid] != held.subject_id:
            yield f"{pid} of {scene.makers[pid]} is held by {held.subject_id}"


def _wrong_queries(scene: Scene, judged: set[tuple[RequestId, SessionId]]) -> Iterator[str]:
    proofed = {held.identity.identity_id: pid for pid, held in scene.held.items()}
    for query in (one for who in scene.world.subjects.values() for one in who.queries):
        key = (query.query_id, query.session_id)
        if query.identity_id is None or key[1] is None or key in judged:
            continue
        judged.add((query.query_id, key[1]))
        proof = IasProof(
            proofed_identity_id=proofed[query.identity_id],
            aal2_session_id=scene.secrets[key[1]],
        )
        yield from judge(scene, query, _request(query, proof))


def _request(query: Query, proof: IasProof) -> VendorRequest:
    patient_id = query.about["patient_id"] or PatientId("")
    return protocol.start_network_query(patient_id, list(query.sources), query.query_id, proof)


def judge(scene: Scene, query: Query, request: VendorRequest) -> Iterator[str]:
    """What in the request is not of the person whose command it was."""
    command_id = query.about["command_id"]
    assert command_id is not None
    owner, body = scene.asked[command_id], json.loads(request.body or b"{}")
    whose = {
        "identity": scene.makers.get(body.get("proofedIdentityId")),
        "session": scene.makers.get(request.headers.get("x-aal2-session", "")),
    }
    for what, maker in whose.items():
        if maker != owner:
            yield f"a query of {owner} has the {what} of {maker}"
    if f"patientId={scene.patients[owner]}&" not in request.query:
        yield f"a query of {owner} is about another patient"
    if body["metadata"] != {QUERY_METADATA_KEY: str(query.query_id)}:
        yield f"a query of {owner} has another's metadata"


def _main() -> int:
    asked = arguments("bindings", __doc__, cases=100_000)
    seen, began = Counted(), time.monotonic()
    for seed in range(asked.seed, asked.seed + asked.cases):
        scene, wrong, queries = play(seed)
        seen.cases += 1
        seen.bound += scene.bound
        seen.refused += scene.refused
        seen.queries += queries
        seen.wrong += wrong
        if seen.cases % 10_000 == 0:
            print(f"{seen.cases} cases, {len(seen.wrong)} wrong", file=sys.stderr, flush=True)
    took = time.monotonic() - began
    print(*seen.wrong[:SHOWN], sep="\n")
    figures = {
        "cases": seen.cases,
        "bound": seen.bound,
        "refused": seen.refused,
        "queries": seen.queries,
        "cross_patient": len(seen.wrong),
        "took_s": round(took, 1),
        "per_second": round(seen.cases / took),
    }
    return told("bindings", asked.seed, len(seen.wrong), figures)


if __name__ == "__main__":
    sys.exit(_main())
