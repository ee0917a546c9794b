"""A value that does not show itself."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Secret(Generic[T]):
    """Holds a secret; ``repr`` and ``str`` show nothing. Call ``reveal`` at the last moment."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> T:
        """The value itself."""
        return self._value
