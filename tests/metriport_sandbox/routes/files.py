"""Downloads: what the vendor keeps in S3, behind links that die."""

from aiohttp import web

from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.links import Refusal, StoredObject


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""

    async def download(request: web.Request) -> web.Response:
        """Return the object, or S3's XML error."""
        found = sandbox.bucket.open(request.match_info["key"], request.query)
        match found:
            case Refusal():
                return web.Response(
                    status=found.status, text=found.xml(), content_type="application/xml"
                )
            case StoredObject():
                return _answer(found)

    return [web.get("/files/{key:.+}", download, name="download-file", allow_head=False)]


def _answer(found: StoredObject) -> web.Response:
    """Send the bytes as stored.

    A gzip file has the type application/gzip and the encoding gzip as well (vendor code):
    clients that unpack by themselves find plain JSON where the type promises gzip.
    """
    headers = {"Content-Type": found.content_type}
    if found.content_encoding is not None:
        headers["Content-Encoding"] = found.content_encoding
    return web.Response(body=found.content, headers=headers)
