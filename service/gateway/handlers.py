"""Which operation is prepared and recorded by which handler: a table."""

from collections.abc import Mapping
from typing import Final

from service.gateway.operations import (
    consolidated_query,
    hosted_page,
    network_query,
    register_patient,
)
from service.gateway.operations.common import Handler
from service.gateway.watch import consolidated_query as watch_consolidated
from service.gateway.watch import network_query as watch_network
from service.store.calls import Operation

HANDLERS: Final[Mapping[Operation, Handler]] = {
    Operation.CREATE_PATIENT: register_patient.HANDLER,
    Operation.GET_PATIENT: register_patient.HANDLER,
    Operation.CREATE_IDENTITY_SESSION: hosted_page.HANDLER,
    Operation.CREATE_AAL2_CHALLENGE: hosted_page.HANDLER,
    Operation.START_NETWORK_QUERY: network_query.HANDLER,
    Operation.START_CONSOLIDATED_QUERY: consolidated_query.HANDLER,
    Operation.GET_NETWORK_QUERY: watch_network.HANDLER,
    Operation.GET_CONSOLIDATED_QUERY: watch_consolidated.HANDLER,
}
