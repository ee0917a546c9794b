"""How many calls of one kind may go out in a minute, over all replicas.

Source: Metriport docs, rate limits (Create Patient 15, Network Query 20, Start Consolidated 120 a
minute). No limit is published for identity sessions, challenges and Get Patient; 30 a minute is our
own caution. Nor for status calls: three a minute are at most 4,320 of the 10,000 calls that the vendor's
gateway allows a production account in a day. The window is fixed at the vendor; slots are correct for any window.
"""

from typing import Final

from service.store.calls import Operation

PER_MINUTE: Final[dict[Operation, int]] = {
    Operation.CREATE_PATIENT: 15,
    Operation.GET_PATIENT: 30,
    Operation.CREATE_IDENTITY_SESSION: 30,
    Operation.CREATE_AAL2_CHALLENGE: 30,
    Operation.START_NETWORK_QUERY: 20,
    Operation.START_CONSOLIDATED_QUERY: 120,
    Operation.GET_NETWORK_QUERY: 2,
    Operation.GET_CONSOLIDATED_QUERY: 1,
}


def slots(operation: Operation, share: int) -> int:
    """This deployment's part of the account's limit, at least one; ``share`` in percent."""
    return max(1, PER_MINUTE[operation] * share // 100)
