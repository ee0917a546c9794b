"""Signatures that anyone with the public key can check: Ed25519 (RFC 8032)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.crypto.keys import key_id


class Signer:
    """Holds a private key of 32 bytes. Its repr shows the id only."""

    def __init__(self, private_key: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.public_key = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(self.public_key).hex()

    def __repr__(self) -> str:
        return f"Signer({self.key_id})"

    def sign(self, message: bytes) -> bytes:
        """A signature of 64 bytes."""
        return self._key.sign(message)


class SignatureCheck:
    """Holds public keys: those in use, and those of before."""

    def __init__(self, public_keys: tuple[bytes, ...]) -> None:
        self._keys = {
            key_id(raw).hex(): Ed25519PublicKey.from_public_bytes(raw) for raw in public_keys
        }

    def is_valid(self, name: str, message: bytes, signature: bytes) -> bool:
        """Whether the key of that id signed the message; ``False`` for a key that is not ours."""
        key = self._keys.get(name)
        if key is None:
            return False
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True
