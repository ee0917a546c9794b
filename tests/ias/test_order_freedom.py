"""The end of a query is a function of the set of messages, not of their order or number (I1).

Messages come permuted and repeated.
"""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import NetworkQueryFinished, NetworkQuerySourceUpdated, NetworkQueryStarted
from schemas.reasons import Reason
from service.ias.machine import Effect
from service.ias.network_query import QueryState, Update
from service.ias.network_query_messages import (
    Message,
    News,
    ProofFound,
    Refusing,
    SessionRefused,
    Turn,
)
from service.ias.network_query_steps import on
from service.ias.network_query_table import QUERY, SOURCE, QueryCue, SourceCue
from tests.fuzz.profiles import examples
from tests.ias.orders import (
    ASKED,
    DONE,
    FAILED,
    RUNS,
    T0,
    VENDOR_ID,
    Shell,
    answered,
    owed,
    owed_state,
    run,
    standing,
)

TIMES = st.none() | st.integers(0, 3).map(lambda minutes: T0 + timedelta(minutes=minutes))
NEWS = st.builds(
    News,
    st.builds(
        Update,
        source=st.sampled_from(ASKED),
        status=st.sampled_from([RUNS, DONE, FAILED]),
        completed_at=TIMES,
    )
    | st.sampled_from([Update(source=source, status=RUNS, early=True) for source in ASKED]),
    st.sampled_from(["webhook", "poll"]),
)


ROW = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["hie", "lab"]),
        "status": st.sampled_from(["processing", "in-progress", "completed", "failed"]),
    },
    optional={"completedAt": st.sampled_from(["2026-06-01T15:01:00Z", "2026-06-01T15:02:30Z"])},
)
ERROR = st.fixed_dictionaries(
    {"source": st.sampled_from(["hie", "lab"]), "httpStatus": st.just(500)}
)
ANSWERS = st.builds(answered, st.lists(ROW, max_size=3), st.lists(ERROR, max_size=1))
STARTS = ANSWERS | st.just(ProofFound(VENDOR_ID))
PLAIN: list[Message] = [
    QueryCue.NOT_SENT,
    QueryCue.UNCLEAR,
    QueryCue.SESSION_RENEWED,
    QueryCue.EXPIRED,
    QueryCue.REVOKED,
    QueryCue.ERASED,
]
CUES = st.sampled_from([cue for cue in PLAIN if cue is not QueryCue.NOT_SENT])
REFUSING = st.sampled_from(
    [
        Refusing(Reason.VENDOR_REFUSED, "no"),
        SessionRefused(status=401, refused_before=0, can_ask=True),
        SessionRefused(status=401, refused_before=0, can_ask=False),
        SessionRefused(status=400, refused_before=1, can_ask=True),
    ]
)
TURNS = st.builds(
    Turn,
    refused=st.sampled_from([None, Reason.DEADLINE_PASSED]),
    slot_is_free=st.booleans(),
    has_proof=st.booleans(),
    can_ask=st.booleans(),
)
ANY = NEWS | STARTS | TURNS | REFUSING | st.sampled_from(PLAIN)


@examples(400)
@given(STARTS, st.lists(NEWS | CUES, max_size=7), st.data())
def test_any_order_and_any_number_of_repeats_end_the_same(
    start: Message, others: list[Message], data: st.DataObject
) -> None:
    """The answer (or proof) of the call may come before, between or after everything else."""
    messages = [start, *others]
    first = run(messages)
    repeated = messages + data.draw(st.lists(st.sampled_from(messages), max_size=5))
    second = run(data.draw(st.permutations(repeated)))
    assert second.end() == first.end()
    assert not second.parked


@examples(400)
@given(st.lists(NEWS, max_size=8))
def test_each_source_ends_as_its_weightiest_word_says(news: list[News]) -> None:
    """A model of its own (``owed``): the maximum by (has a time, time, completed)."""
    state, sources = run([answered(), *news]).end()
    expected = owed(one.update for one in news)
    assert {source: status for source, (status, _) in sources.items()} == expected
    assert state is owed_state(expected, expired=False)


@examples(300)
@given(STARTS, st.lists(NEWS, max_size=8))
def test_the_last_word_that_is_told_is_what_is_stored(start: Message, news: list[News]) -> None:
    shell = run([start, *news])
    finished = [event for event in shell.told if isinstance(event, NetworkQueryFinished)]
    state, sources = shell.end()
    assert bool(finished) is (state is not QueryState.STARTED)
    if finished:
        assert finished[-1].status == state
        assert {one.source: one.status for one in finished[-1].sources} == {
            source: status for source, (status, _) in sources.items()
        }


@examples(300)
@given(st.sampled_from(list(QueryState)), st.lists(ANY, max_size=6), ANY)
def test_the_same_message_again_tells_nothing_and_moves_nothing(
    state: QueryState, before: list[Message], message: Message
) -> None:
    shell = Shell(query=standing(state))
    for one in (*before, message):
        shell.hear(one)
    end, told = shell.end(), list(shell.told)
    shell.hear(message)
    assert (shell.end(), shell.told) == (end, told)


@examples(300)
@given(st.sampled_from(list(QueryState)), st.lists(ANY, max_size=8))
def test_nothing_raises_and_nothing_moves_backwards(
    state: QueryState, messages: list[Message]
) -> None:
    shell = Shell(query=standing(state))
    for message in messages:
        rank = QUERY.rank[shell.query.state]
        ended = {s for s, row in shell.query.sources.items() if row.status is not RUNS}
        shell.hear(message)
        assert QUERY.rank[shell.query.state] >= rank
        assert all(shell.query.sources[source].status is not RUNS for source in ended)


@examples(300)
@given(st.sampled_from(list(QueryState)), st.lists(ANY, max_size=8))
def test_nothing_about_data_is_told_without_an_identity(
    state: QueryState, messages: list[Message]
) -> None:
    """I9: state goes on, news is withheld."""
    shell, twin = Shell(query=standing(state, may_be_told=False)), Shell(query=standing(state))
    for message in messages:
        shell.hear(message)
        twin.hear(message)
    withheld = (NetworkQueryStarted, NetworkQuerySourceUpdated, NetworkQueryFinished)
    assert not any(isinstance(event, withheld) for event in shell.told)
    assert shell.end() == twin.end()


@examples(300)
@given(st.lists(ANY, max_size=10))
def test_a_query_is_sent_again_only_after_a_call_that_was_provably_not_made(
    messages: list[Message],
) -> None:
    """I3."""
    query, under_way = standing(QueryState.DUE), False
    for message in messages:
        decision = on(query, message)
        if Effect.CALL_VENDOR in decision.calls:
            assert not under_way
            under_way = True
        elif message is QueryCue.NOT_SENT and query.state is QueryState.DISPATCHING:
            under_way = False
        query = replace(query, state=decision.state)


@examples(300)
@given(st.sampled_from(list(QueryState)), ANY)
def test_what_is_told_and_caused_is_what_the_table_says(
    state: QueryState, message: Message
) -> None:
    """Every event and effect of a message stands in a row of the state's table, or its sources'."""
    decision = on(standing(state), message)
    steps = [QUERY.step(state, cue) for cue in QueryCue]
    steps += [QUERY.step(QueryState.STARTED, cue) for cue in QueryCue]
    of_sources = [SOURCE.step(RUNS, cue) for cue in SourceCue]
    told = {kind for step in steps for kind in step.tells}
    told |= {kind for step in of_sources for kind in step.tells}
    caused = {effect for step in steps for effect in step.calls}
    caused |= {effect for step in of_sources for effect in step.calls}
    assert {type(event) for event in decision.events} <= told
    assert set(decision.calls) <= caused
