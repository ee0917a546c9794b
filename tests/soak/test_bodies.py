"""The campaign of bodies counts what breaks, and says what repeats it."""

import json
import time
from random import Random
from typing import Any

import pytest

from service.ingress import peek
from service.ingress.peek import Peeked
from service.ingress.records import OutRecord
from tests.fuzz import judging
from tests.soak import bodies, spoiling
from tests.soak.bodies import Share, figures, run, shares

CASES = 300
SHARE = Share(7, 0, CASES, 1)


def test_a_short_run_breaks_nothing_and_meets_everything_that_is_counted() -> None:
    tally = run(SHARE)
    assert tally.shown == []
    found = figures([tally])
    assert found["cases"] == CASES
    for name in ("refused", "understood", "unauthentic", "sealed", "opened"):
        count = found[name]
        assert isinstance(count, int)
        assert 0 < count < CASES, name


def test_the_same_seed_makes_the_same_cases_whoever_runs_them() -> None:
    alone, together = run(SHARE), [run(share) for share in shares(7, CASES, 4)]
    for name in ("refused", "understood", "unauthentic", "sealed", "opened"):
        assert figures([alone])[name] == figures(together)[name]


def test_a_sample_is_cut_where_its_entries_are() -> None:
    content: Any = {"a": [1, {"b": "é"}], "c": {}}
    text, entries = spoiling.sample_of(content)
    cut = [text[entry.value : entry.end].decode() for entry in entries]
    assert list(map(json.loads, cut)) == [[1, {"b": "é"}], 1, {"b": "é"}, "é", {}]
    keys = [text[entry.start : entry.value] for entry in entries]
    assert keys == [b'"a":', b"", b"", b'"b":', b'"c":']


def test_many_samples_that_were_spoilt_are_understood_still() -> None:
    """Else bodies would be refused at their first byte, and nothing behind that be tried."""
    rng = Random(1)
    made = [spoiling.spoilt(rng, rng.choice(spoiling.SAMPLES)) for _ in range(500)]
    assert len(set(made)) > 400
    assert sum(judging.looked_at(body) is not None for body in made) > 150


def unseals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peek, "_names_secret", lambda _: False)


def raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(body: bytes) -> Peeked:
        if b"patientId" in body:
            raise RecursionError
        return peek.peek(body)

    monkeypatch.setattr(judging, "peek", broken)


def forgets_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = judging.RECORDER.webhook

    def cut(*args: Any) -> OutRecord:
        record = whole(*args)
        return record._replace(value=record.value[:-1])

    monkeypatch.setattr(judging.RECORDER, "webhook", cut)


def forgets_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = judging.RECORDER.not_understood
    monkeypatch.setattr(judging.RECORDER, "not_understood", lambda body: whole(body[:-1]))


def takes_any_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "matching_slot", lambda *_: 0)


def takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 2))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        (unseals, "a secret in the open"),
        (raises, "RecursionError"),
        (forgets_a_byte, "AssertionError"),
        (forgets_a_letter, "AssertionError"),
        (takes_any_signature, "another reader"),
        (takes_long, "took 2.000 s"),
    ],
)
def test_what_is_broken_is_counted_and_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, bug: Any, told: str
) -> None:
    bug(monkeypatch)
    tally = run(SHARE)
    assert tally.broken > 0
    assert told in "".join(tally.shown)
    number = int(tally.shown[0].split("--only ")[1].split()[0])
    assert run(Share(7, number, 1, 1)).shown == tally.shown[:1]
