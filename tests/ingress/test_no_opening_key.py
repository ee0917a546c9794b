"""A break-in at the ingress opens nothing: it holds no key that does (I7)."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass

import pytest

from consumers.processes.ingress import ingress as ingress_role
from service.crypto import aead
from service.crypto.keys import KeyRing, UnknownKeyError
from service.crypto.sealing import Opener, place
from service.settings.groups import AtRest, Opening
from service.settings.keyfile import WebhookKeys
from service.settings.metriport import Metriport
from service.settings.roles import FORBIDDEN, IngressSettings, Role, describe
from service.settings.secret import Secret
from tests.ingress import vendor
from tests.ingress.opening import OPENER, opened
from tests.ingress.running import NOWHERE, Ingress, ingress_settings
from tests.ingress.steps import a_step
from tests.ingress.steps import opened as pressed
from tests.ingress.tap import Published, Tap

OPENING = {"SEALING_PRIVATE_KEYS", "ENCRYPTION_KEYS", "METRIPORT_API_KEY", "MIGRATION_DATABASE_URL"}


def test_the_settings_of_the_ingress_have_no_field_for_a_key_that_opens() -> None:
    groups = {field.type for field in fields(IngressSettings)}
    assert not groups & {Opening, AtRest, Metriport}
    assert not OPENING & {setting.name for setting in describe(Role.INGRESS)}
    assert set(FORBIDDEN[Role.INGRESS]) >= OPENING


def _values(held: object) -> Iterator[bytes]:
    """Every key, secret and text in the settings, however deep."""
    match held:
        case str():
            yield held.encode()
        case bytes():
            yield held
        case _:
            for part in _parts(held):
                yield from _values(part)


def _parts(held: object) -> Iterable[object]:
    match held:
        case Secret():
            return (held.reveal(),)
        case KeyRing():
            return held.all()
        case WebhookKeys():
            return held.current()
        case tuple() | frozenset():
            return held
        case _ if is_dataclass(held):
            return [getattr(held, field.name) for field in fields(held)]
        case _:
            return ()


def _held() -> set[bytes]:
    return set(_values(ingress_settings(NOWHERE)))


def test_the_search_finds_the_keys_that_the_ingress_does_hold() -> None:
    held, settings = _held(), ingress_settings(NOWHERE)
    assert settings.sealing.public_key in held
    assert vendor.KEY.encode() in held
    assert set(settings.web.link_keys.all()) | set(settings.sealing.mac_keys.all()) <= held


def _assert_opens_with_none(record: Published, held: set[bytes]) -> None:
    where = place(record.topic, record.headers["ce_type"], record.headers["ce_id"])
    assert OPENER.open(record.value, where)
    keys = [value for value in held if len(value) == 32]
    assert len(keys) >= 3
    for key in keys:
        with pytest.raises(UnknownKeyError):
            Opener((key,)).open(record.value, where)
        with pytest.raises(UnknownKeyError):
            aead.decrypt(key, record.value, where)


@pytest.mark.edge
async def test_what_the_ingress_published_opens_with_none_of_its_own_keys(
    ingress: Ingress, tap: Tap
) -> None:
    body = vendor.stringify(vendor.sample("webhook.unknown-type.json"))
    await ingress.deliver(body)
    await pressed(ingress, a_step())
    await ingress.get("/callbacks/aal2?aal2SessionId=aal2_canary&status=verified")
    records = await tap.new()
    assert len(records) == 3
    assert body in [opened(record) for record in records]
    for record in records:
        _assert_opens_with_none(record, _held())


def test_the_process_takes_these_settings_and_no_others() -> None:
    assert ingress_role.__annotations__["settings"] is IngressSettings
