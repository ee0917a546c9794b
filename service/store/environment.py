"""Which of the vendor's environments this database belongs to: sandbox and production never mix."""

from service.store.unit import Unit

RECORD = "insert into vendor_environment (api_url) values ($1) on conflict do nothing"
RECORDED = "select api_url from vendor_environment"


class WrongEnvironmentError(Exception):
    """The database holds the state of another environment of the vendor."""


async def claim(unit: Unit, api_url: str) -> None:
    """Record the environment at the first start, and compare at every other.

    Raises:
        WrongEnvironmentError: the database was used against another API.
    """
    await unit.conn.execute(RECORD, api_url)
    recorded = await unit.conn.fetchval(RECORDED)
    if recorded != api_url:
        raise WrongEnvironmentError(
            f"the database belongs to {recorded}, METRIPORT_API_URL names another API"
        )
