"""A double of Metriport's sandbox: a real HTTP server that behaves as the vendor does.

What lives here: the part of the vendor's API that Individual Access Services need, its hosted
pages, its webhooks and its links, as far as Metriport docs, the vendor's published code and
its packages tell. What must not: anything of this project. The double imports neither
`service` nor `consumers` nor `schemas`, and signs with its own code, because a double that
asks our code for its answers proves nothing.

Which way data goes: a request passes `middleware` (ledger, API key, faults, rate limits) to a
module of `routes`; that reads input with the pure functions of `rules`, changes `state`, and
starts work in `background`; the work ends in an event (`events`, pure) that `sender` signs
and posts. `records` makes the files behind the links. `app` puts it all together.

Use it as a process, `python -m tests.metriport_sandbox --help`, or inside a test::

    sandbox = create_sandbox(SandboxConfig(allow_loopback=True, step_seconds=0.01))
    server = await aiohttp_server(sandbox.app)
    ...
    assert sandbox.ledger.of("start-network-query")[-1].query["purposeOfUse"] == "ias"

Deviations from the real sandbox, on purpose: all three sources complete (the real one fails
pharmacy and lab; say `--sources hie` for that), steps take parts of a second, the daily
quota is off unless set, proofing accepts everybody, and the same TOTP code is good twice.
Left out: Update Patient and its eTag rules, `networkQuery` inside Create Patient (checked, not
started), patient discovery, cohorts, messages, imports and the legacy document query.

**The control API** under `/_sandbox/` is not the vendor's. It needs no key and shows secrets:
keep the server on a loopback address.

==============================  =====================================================
`GET /_sandbox/ledger`          every call received and how it was answered;
                                `?operation=start-network-query` for one operation
`GET /_sandbox/webhooks`        every webhook with its row's state and its deliveries;
                                `?last=500` for the newest of either
`GET /_sandbox/state`           patients, identities, sessions, queries, settings
`GET /_sandbox/limits`          counters of the rate limits
`GET|DELETE /_sandbox/scripts`  faults and outcomes that wait for their turn
`POST /_sandbox/faults`         `{"operation", "kind", "times", ...}`; operation is a
                                ledger name or `*`; kinds: `status` (`status`, `body`,
                                `contentType`, `headers`; no work is done), `reset`
                                (connection closed, no work), `drop-answer` (work done,
                                connection closed), `delay` (`seconds`, then work),
                                `delay-answer` (work, then `seconds`)
`POST /_sandbox/outcomes`       `{"of", "result", "notify", "seconds", "httpStatus",
                                "message", "times"}`; of: `hie`, `pharmacy`, `lab`,
                                `consolidated`, `documents`; result: `completed`,
                                `failed`, `refused` (fails inside the 2xx), `stuck`,
                                `empty`; `notify: false` sends no webhook
`POST …/webhooks/duplicate`     `{"messageId"}` or `{}` for all: same bytes again
`POST …/webhooks/emit`          `{"body": {...}}`: signed and sent as it is
`POST …/webhooks/mode`          `{"loss": "none|failed|silent", "duplicate": bool}`
`POST …/identities/{id}`        `{"status": "revoked"}`: no longer active
`POST …/aal2-sessions/{id}`     `{"status": "expired"}`: no longer active
==============================  =====================================================
"""

from .app import create_sandbox
from .config import DEFAULT_API_KEY, DEFAULT_FACILITY_ID, SandboxConfig
from .kernel import Sandbox

__all__ = [
    "DEFAULT_API_KEY",
    "DEFAULT_FACILITY_ID",
    "Sandbox",
    "SandboxConfig",
    "create_sandbox",
]
