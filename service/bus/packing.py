"""Large bodies in records: gzip above 256 KiB where it helps, and unpacking that cannot be made to explode.

Whoever reads the topic sees ``content-encoding: gzip`` and gets the received bytes back exactly. The
encoding is of the opened bytes: a body is packed first and sealed after.
"""

import gzip
import zlib
from typing import Final

PACK_ABOVE: Final = 256 * 1024
GZIP: Final = "gzip"
_SAMPLE: Final = 64 * 1024
_WORTH_IT: Final = 2
"""A sample has to shrink to one part in so many. 32 MiB of noise take a second to come out hardly smaller,
and the vendor waits five for the answer; a list of documents takes 0.2 s and shrinks to a quarter."""
_FASTEST: Final = 1
_GZIP_WINDOW: Final = 31


class NotPackedError(ValueError):
    """The bytes are not what their encoding says, or would unpack to more than is allowed."""


def pack(body: bytes) -> tuple[bytes, str | None]:
    """The bytes to carry, and their encoding where there is one. Same body, same bytes."""
    if len(body) <= PACK_ABOVE or not _shrinks(body):
        return body, None
    return gzip.compress(body, _FASTEST, mtime=0), GZIP


def _shrinks(body: bytes) -> bool:
    """Whether a piece of its middle does, where lists are at their most typical."""
    middle = (len(body) - _SAMPLE) // 2
    sample = body[middle : middle + _SAMPLE]
    return len(gzip.compress(sample, _FASTEST)) * _WORTH_IT < len(sample)


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
