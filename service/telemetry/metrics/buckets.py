"""Bounds of every histogram of seconds: fine where an answer is fast, with the marks of the ingress."""

from typing import Final

SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.0,
    3.5,
    5.0,
    30.0,
)
