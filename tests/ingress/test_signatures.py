"""Only what Metriport signed comes in: everything else is 401, without a word and without a trace."""

import pytest
from prometheus_client import REGISTRY

from tests.ingress import vendor
from tests.ingress.raw import exchange, post
from tests.ingress.running import WEBHOOK_PATH, Ingress, ingress_settings, running
from tests.ingress.tap import Tap
from tests.stack.broker import Broker

BODY = vendor.stringify(vendor.webhook())
GOOD = vendor.sign(BODY)
REFUSED = {
    "no_signature": (),
    "an_empty_signature": ("",),
    "a_key_that_is_not_ours": (vendor.sign(BODY, "another-key"),),
    "the_signature_of_another_body": (vendor.sign(BODY + b" "),),
    "upper_case": (GOOD.upper(),),
    "a_prefix": (f"sha256={GOOD}",),
    "63_digits": (GOOD[:-1],),
    "65_digits": (f"{GOOD}0",),
    "the_right_one_twice_in_one_line": (f"{GOOD}, {GOOD}",),
    "the_right_one_in_two_lines": (GOOD, GOOD),
    "the_right_one_after_a_wrong_one": ("0" * 64, GOOD),
    "a_wrong_one_after_the_right_one": (GOOD, "0" * 64),
    "a_space_within": (f"{GOOD[:32]} {GOOD[32:]}",),
    "quotes": (f'"{GOOD}"',),
    "digits_of_another_script": (GOOD.translate({ord("0") + n: 0xFF10 + n for n in range(10)}),),
    "letters_with_accents": (f"é{GOOD[1:]}",),
}


def _lines(signatures: tuple[str, ...]) -> list[bytes]:
    return [b"x-metriport-signature: " + signature.encode() for signature in signatures]


@pytest.mark.edge
@pytest.mark.parametrize("signatures", REFUSED.values(), ids=REFUSED)
async def test_a_webhook_that_is_not_rightly_signed_is_401_and_not_published(
    ingress: Ingress, tap: Tap, signatures: tuple[str, ...]
) -> None:
    answer = await exchange(ingress.port, post(WEBHOOK_PATH, BODY, *_lines(signatures)))
    assert (answer.status, answer.body) == (401, b"")
    assert await tap.new() == []


@pytest.mark.edge
async def test_a_signature_of_bytes_that_are_no_text_is_401(ingress: Ingress, tap: Tap) -> None:
    line = b"x-metriport-signature: " + b"\xff\xfe\x80" + GOOD[3:].encode()
    answer = await exchange(ingress.port, post(WEBHOOK_PATH, BODY, line))
    assert (answer.status, answer.body) == (401, b"")
    assert await tap.new() == []


@pytest.mark.edge
async def test_an_unsigned_ping_gets_no_pong(ingress: Ingress) -> None:
    ping = vendor.stringify(vendor.sample("webhook.ping.json"))
    answer = await exchange(ingress.port, post(WEBHOOK_PATH, ping))
    assert (answer.status, answer.body) == (401, b"")


@pytest.mark.edge
async def test_unsigned_rubbish_is_401_before_anybody_reads_it(ingress: Ingress, tap: Tap) -> None:
    answer = await exchange(ingress.port, post(WEBHOOK_PATH, b"\xff{" * 1000))
    assert (answer.status, answer.body) == (401, b"")
    assert await tap.new() == []


@pytest.mark.edge
async def test_the_name_of_the_header_may_be_in_any_case(ingress: Ingress, tap: Tap) -> None:
    line = f"X-Metriport-SIGNATURE: {GOOD}".encode()
    answer = await exchange(ingress.port, post(WEBHOOK_PATH, BODY, line))
    assert answer.status == 200
    assert (await tap.one()).value == BODY


def _slot(number: int) -> float:
    name = "ias_webhook_key_slot_total"
    return REGISTRY.get_sample_value(name, {"slot": str(number)}) or 0.0


@pytest.mark.edge
async def test_several_keys_are_valid_at_once_and_the_slot_is_counted(
    broker: Broker, topic_prefix: str, tap: Tap
) -> None:
    """While a key rotates, both verify; the metric says when the old one can go."""
    keys = ("newest", "older", "oldest")
    settings = ingress_settings(broker.bootstrap_servers, topic_prefix, webhook_keys=keys)
    async with running(settings) as ingress:
        for number, key in enumerate(keys):
            before = [_slot(slot) for slot in range(3)]
            assert (await ingress.deliver(BODY, vendor.sign(BODY, key))).status == 200
            after = [_slot(slot) for slot in range(3)]
            assert [b - a for a, b in zip(before, after, strict=True)] == [
                float(slot == number) for slot in range(3)
            ]
            assert (await tap.one()).headers["ce_vendorsignature"] == vendor.sign(BODY, key)
        assert (await ingress.deliver(BODY, vendor.sign(BODY, "newest,older"))).status == 401
