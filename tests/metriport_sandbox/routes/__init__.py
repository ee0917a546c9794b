"""The HTTP surface, one module per family; each returns its routes as values.

A route's name is its operation: faults, limits and the ledger go by it.
"""

from aiohttp import web

from tests.metriport_sandbox.kernel import Sandbox

from . import aal2, consolidated, control, documents, files, identity, network, patients, settings


def all_routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return every route of the double."""
    families = (
        patients,
        identity,
        aal2,
        network,
        consolidated,
        documents,
        settings,
        files,
        control,
    )
    return [route for family in families for route in family.routes(sandbox)]
