"""Large bodies in records: gzip above 256 KiB, and unpacking that cannot be made to explode.

Whoever reads the topic sees ``content-encoding: gzip`` and gets the received bytes back exactly. The
encoding is of the opened bytes: a body is packed first and sealed after.
"""

import gzip
import zlib
from typing import Final

PACK_ABOVE: Final = 256 * 1024
GZIP: Final = "gzip"
_FASTEST: Final = 1
_GZIP_WINDOW: Final = 31


class NotPackedError(ValueError):
    """The bytes are not what their encoding says, or would unpack to more than is allowed."""


def pack(body: bytes) -> tuple[bytes, str | None]:
    """The bytes to carry, and their encoding where there is one. Same body, same bytes."""
    if len(body) <= PACK_ABOVE:
        return body, None
    return gzip.compress(body, _FASTEST, mtime=0), GZIP


def unpack(carried: bytes, encoding: str | None, limit: int) -> bytes:
    """The body as it was received, of at most ``limit`` bytes.

    Raises:
        NotPackedError: unknown encoding, broken data, or more than the limit.
    """
    if encoding is None:
        return carried
    if encoding != GZIP:
        raise NotPackedError("unknown content-encoding")
    machine = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = machine.decompress(carried, limit + 1)
    except zlib.error:
        raise NotPackedError("not gzip") from None
    if len(body) > limit or not machine.eof:
        raise NotPackedError("cut off, or larger than allowed")
    return body
