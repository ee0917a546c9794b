"""Which step a returning browser belongs to, and which returns say that somebody is verified."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import StepKind
from schemas.ids import LinkId, OpenId, PatientId, SubjectId
from service.ias.browser import (
    Cookie,
    NothingPending,
    Opened,
    SeveralPeople,
    Step,
    binding_of,
    choose,
    forget,
    forget_kind,
    parameter_names,
    read_aal2_return,
    remember,
)

NOW = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
AAL2, IDENTITY = StepKind.AAL2_CHALLENGE, StepKind.IDENTITY_VERIFICATION
SESSION = "aal2_5f0c"


def _opened(
    link: int,
    *,
    kind: StepKind = AAL2,
    binding: str = "identity-a",
    ago: timedelta = SECOND,
    left: timedelta = timedelta(hours=1),
) -> Opened:
    step = Step(
        link_id=LinkId(UUID(int=link)),
        kind=kind,
        subject_id=SubjectId("user-7781"),
        binding=binding,
        return_url="https://app.example.com/ias/return",
        expires_at=NOW + left,
    )
    return Opened(step=step, open_id=OpenId(UUID(int=1000 + link)), opened_at=NOW - ago)


def test_an_opened_step_is_remembered_behind_those_that_were_there() -> None:
    first, second = _opened(1), _opened(2, binding="identity-b")
    cookie = remember(remember(Cookie(), first, NOW), second, NOW)
    assert cookie == Cookie((first, second))


def test_a_link_that_is_opened_again_is_one_step_with_its_newest_click() -> None:
    first, other = _opened(1, ago=9 * SECOND), _opened(2)
    again = msgspec.structs.replace(first, open_id=OpenId(UUID(int=77)), opened_at=NOW)
    assert remember(Cookie((first, other)), again, NOW) == Cookie((other, again))


@pytest.mark.parametrize(("left", "kept"), [(SECOND, True), (0 * SECOND, False), (-SECOND, False)])
def test_what_has_run_out_is_not_carried_along(left: timedelta, *, kept: bool) -> None:
    """At its very end a step is over."""
    old, new = _opened(1, left=left), _opened(2)
    assert remember(Cookie((old,)), new, NOW) == Cookie((old, new) if kept else (new,))


def test_five_steps_are_remembered_and_the_oldest_makes_room() -> None:
    """The design's number: with it the cookie stays under what browsers hold."""
    cookie, steps = Cookie(), [_opened(link) for link in range(1, 8)]
    for step in steps[:5]:
        cookie = remember(cookie, step, NOW)
    assert cookie == Cookie(tuple(steps[:5]))
    for step in steps[5:]:
        cookie = remember(cookie, step, NOW)
    assert cookie == Cookie(tuple(steps[2:]))


@given(st.permutations([_opened(link, ago=link * SECOND) for link in (1, 2, 3)]))
def test_of_several_steps_of_one_identity_the_newest_click_counts(steps: list[Opened]) -> None:
    assert choose(Cookie(tuple(steps)), AAL2, NOW).step.link_id == UUID(int=1)


@pytest.mark.parametrize(
    "opened",
    [
        (),
        (_opened(1, kind=IDENTITY),),
        (_opened(1, left=0 * SECOND),),
        (_opened(1, left=-SECOND), _opened(2, left=-SECOND, binding="identity-b")),
    ],
    ids=["none", "of another kind", "just run out", "long over"],
)
def test_without_a_step_of_the_kind_that_still_runs_nothing_is_pending(
    opened: tuple[Opened, ...],
) -> None:
    with pytest.raises(NothingPending):
        choose(Cookie(opened), AAL2, NOW)


def test_steps_of_two_identities_choose_nobody() -> None:
    """Two people at one computer: the newest click need not be the one who comes back."""
    with pytest.raises(SeveralPeople):
        choose(Cookie((_opened(1), _opened(2, binding="identity-b"), _opened(3))), AAL2, NOW)


@pytest.mark.parametrize(
    "other",
    [_opened(2, binding="b", kind=IDENTITY), _opened(2, binding="b", left=0 * SECOND)],
    ids=["of another kind", "run out"],
)
def test_another_persons_step_is_in_the_way_only_while_it_could_be_meant(other: Opened) -> None:
    mine = _opened(1)
    assert choose(Cookie((mine, other)), AAL2, NOW) == mine


def test_an_answered_step_is_forgotten_with_its_siblings_and_nothing_else() -> None:
    mine, again = _opened(1), _opened(2)
    proofing, theirs = _opened(3, kind=IDENTITY), _opened(4, binding="identity-b")
    cookie = Cookie((mine, proofing, again, theirs))
    assert forget(cookie, "identity-a", AAL2) == Cookie((proofing, theirs))


def test_giving_up_a_kind_forgets_everybodys_steps_of_it() -> None:
    proofing = _opened(3, kind=IDENTITY)
    cookie = Cookie((_opened(1), proofing, _opened(2, binding="identity-b")))
    assert forget_kind(cookie, AAL2) == Cookie((proofing,))


_IDS = st.text(st.sampled_from("1:ab"), max_size=4)


@given(_IDS, _IDS, _IDS, _IDS)
def test_no_two_pairs_of_subject_and_patient_share_a_name(
    subject: str, patient: str, other_subject: str, other_patient: str
) -> None:
    one = binding_of(SubjectId(subject), PatientId(patient))
    other = binding_of(SubjectId(other_subject), PatientId(other_patient))
    assert (one == other) is ((subject, patient) == (other_subject, other_patient))


@pytest.mark.parametrize("length", [1, 36, 4000])
def test_a_pair_has_a_name_of_sixteen_bytes_however_long_its_ids(length: int) -> None:
    name = binding_of(SubjectId("ü" * length), PatientId("p" * length))
    assert len(bytes.fromhex(name)) == 16


@pytest.mark.parametrize(
    "query",
    [
        "aal2SessionId={}&status=verified",
        "status=verified&aal2SessionId={}",
        "tab=1?aal2SessionId={}&status=verified",
        "tab=1&tab=2&aal2SessionId={}&status=verified&next=",
        "?aal2SessionId={}&status=verified",
    ],
)
@pytest.mark.parametrize("session", [SESSION, "s" * 255, "!~", "a%41", "a&status=x", "a?b"])
def test_a_verified_return_gives_its_session_decoded_once(query: str, session: str) -> None:
    """A06: it is not documented how the vendor joins its parameters to a query that is there."""
    assert read_aal2_return(query.format(quote(session, safe=""))) == session


@pytest.mark.parametrize(
    "query",
    [
        "",
        "status=verified",
        "aal2SessionId=&status=verified",
        f"aal2SessionId={SESSION}",
        f"aal2SessionId={SESSION}&status=",
        f"aal2SessionId={SESSION}&status=failed",
        f"aal2SessionId={SESSION}&status=VERIFIED",
        f"aal2SessionId={SESSION}&status=verified%20",
        f"aal2sessionid={SESSION}&status=verified",
        f"aal2SessionId={SESSION}&Status=verified",
    ],
)
def test_any_other_return_is_not_verified(query: str) -> None:
    assert read_aal2_return(query) is None


@pytest.mark.parametrize("twice", ["aal2SessionId=other", "aal2SessionId=", "status=verified"])
@pytest.mark.parametrize("joint", ["&", "?"])
def test_a_parameter_that_comes_twice_is_not_trusted(twice: str, joint: str) -> None:
    good = f"aal2SessionId={SESSION}&status=verified"
    assert read_aal2_return(good) == SESSION
    assert read_aal2_return(f"{good}{joint}{twice}") is None
    assert read_aal2_return(f"{twice}{joint}{good}") is None


@pytest.mark.parametrize(
    "session", ["s" * 256, "a b", "a\r\nx: y", "a\n", "\x00", "a\x7f", "\u00e9", "\ufffd"]
)
def test_a_session_that_no_header_could_carry_is_none(session: str) -> None:
    assert read_aal2_return(f"aal2SessionId={quote(session, safe='')}&status=verified") is None


def test_of_what_came_back_the_names_alone_are_told_also_of_empty_ones() -> None:
    query = f"tab=1?aal2SessionId={SESSION}&status=&status=verified&%61%62"
    assert parameter_names(query) == ["tab", "aal2SessionId", "status", "status", "ab"]
