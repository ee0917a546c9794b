"""Links in the shape of S3 presigned URLs, which die on time.

The query has the names S3 uses, and `X-Amz-Date` + `X-Amz-Expires` tell the true expiry, as
with the vendor's links. The signature is the sandbox's own HMAC over key, date and lifetime,
not AWS Signature Version 4: nobody but S3 can verify that one.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from .times import amz, from_amz, iso


@dataclass(frozen=True)
class StoredObject:
    """A file in the bucket."""

    content: bytes
    content_type: str
    content_encoding: str | None = None


@dataclass(frozen=True)
class Refusal:
    """S3's way of saying no: a status and an XML document."""

    status: int
    code: str
    message: str
    details: tuple[tuple[str, str], ...] = ()

    def xml(self) -> str:
        """Return the error document."""
        parts = (("Code", self.code), ("Message", self.message), *self.details)
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'


class Bucket:
    """Objects by key, and links to them."""

    def __init__(self, *, secret: str, clock: Callable[[], float]) -> None:
        self.objects: dict[str, StoredObject] = {}
        self._secret = secret.encode()
        self._clock = clock

    def link(self, origin: str, key: str, seconds: int) -> str:
        """Return a link that lives for so many seconds from now."""
        date = amz(self._clock())
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"SANDBOX/{date[:8]}/us-west-1/s3/aws4_request",
            "X-Amz-Date": date,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Signature": self._signature(key, date, str(seconds)),
        }
        return f"{origin}/files/{quote(key)}?{urlencode(query)}"

    def open(self, key: str, query: Mapping[str, str]) -> StoredObject | Refusal:
        """Return the object, or say why not: signature, then age, then existence."""
        date, expires = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
        signature = query.get("X-Amz-Signature", "").encode()
        if not hmac.compare_digest(signature, self._signature(key, date, expires).encode()):
            return Refusal(403, "SignatureDoesNotMatch", "The request signature does not match.")
        dies = from_amz(date) + int(expires)
        if self._clock() >= dies:
            return self._expired(expires, dies)
        if (found := self.objects.get(key)) is None:
            details = (("Key", key),)
            return Refusal(404, "NoSuchKey", "The specified key does not exist.", details)
        return found

    def _expired(self, expires: str, dies: float) -> Refusal:
        details = (
            ("X-Amz-Expires", expires),
            ("Expires", iso(dies)),
            ("ServerTime", iso(self._clock())),
        )
        return Refusal(403, "AccessDenied", "Request has expired", details)

    def _signature(self, key: str, date: str, expires: str) -> str:
        text = f"{key}\n{date}\n{expires}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
