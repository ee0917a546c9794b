"""Bugs of what is written: messages, transactions, and what is told of them."""

from typing import Final

from tests.chaos.planted.patching import Bug, Edit

BUGS: Final = (
    Bug(
        "offset committed before the transaction",
        "killed in handler",
        "I1",
        (
            Edit(
                "service/bus/subscription.py",
                "            if self._hand.records:\n                await self._step()\n",
                "            if self._hand.records:\n"
                "                self._hand.done |= offsets_after(list(self._hand.records))\n"
                "                await commit(consumer, self._hand)\n"
                "                await self._step()\n",
            ),
        ),
    ),
    Bug(
        "inbox ignored",
        "unbound twice",
        "I1",
        (
            Edit(
                "consumers/acting.py",
                "            if not await inbox.remember(unit, *inbox_name(message)):\n"
                "                return False\n",
                "            await inbox.remember(unit, *inbox_name(message))\n",
            ),
        ),
    ),
    Bug(
        "duplicate commandId acted on twice",
        "command twice",
        "I3",
        (
            Edit(
                "service/store/commands.py",
                "    return Arrival.REPEAT if same else Arrival.REUSED_ID\n",
                "    return Arrival.NEW if same else Arrival.REUSED_ID\n",
            ),
        ),
    ),
    Bug(
        "sequence from a counter outside the transaction",
        "rolled back",
        "I5",
        (
            Edit(
                "service/store/subjects.py",
                "    first = dict(await unit.conn.fetch(NEXT_SEQUENCES, names, wanted))\n",
                "    first = dict(await unit.conn.fetch(NEXT_SEQUENCES, names, wanted))\n"
                "    for name, number in first.items():\n"
                "        first[name] = max(number, _counter.get(name, 1))\n"
                "        _counter[name] = first[name] + counts[name]\n",
            ),
            Edit(
                "service/store/subjects.py",
                "async def next_sequences(",
                "_counter: dict[str, int] = {}\n\n\nasync def next_sequences(",
            ),
        ),
    ),
    Bug(
        "outbox polled by a cursor",
        "slow commit",
        "I5",
        (
            Edit(
                "service/store/outbox_rows.py",
                "where w.shard = claimed.shard and w.key",
                "where w.shard = claimed.shard and w.position > $5 and w.key",
            ),
            Edit(
                "service/store/outbox_rows.py",
                "fetch(WAITING, shards, list(without), rows, size)\n",
                "fetch(WAITING, shards, list(without), rows, size, max(_cursor))\n"
                '    _cursor.extend(row["position"] for row in found)\n',
            ),
            Edit(
                "service/store/outbox_rows.py",
                'REMOVE = "delete',
                '_cursor = [0]\nREMOVE = "delete',
            ),
        ),
    ),
    Bug(
        "relay deletes before it publishes",
        "killed relay",
        "I5",
        (
            Edit(
                "service/bus/relay.py",
                "            sending = _Sending(self._publisher, unit)\n"
                "            await sending.send(rows)\n"
                "            if sending.sent:\n"
                "                await outbox_rows.remove(unit, sending.sent)\n",
                "            await outbox_rows.remove(unit, [row.position for row in rows])\n"
                "        async with self._database.transaction() as unit:\n"
                "            sending = _Sending(self._publisher, unit)\n"
                "            await sending.send(rows)\n",
            ),
        ),
    ),
    Bug(
        "events keyed by their own id",
        "retrieval",
        "I5",
        (
            Edit(
                "service/bus/relay.py",
                "Topic(draft.topic), draft.key, draft.body",
                "Topic(draft.topic), str(draft.event_id), draft.body",
            ),
        ),
    ),
    Bug(
        "nobody ends what is over",
        "overdue",
        "I4",
        (
            Edit(
                "consumers/sweeper.py",
                "        ended = sum([await self._sweep(kind) for kind in self._allowances])\n",
                "        ended = 0\n",
            ),
        ),
    ),
    Bug(
        "200 before the record is durable",
        "killed after 200",
        "I6",
        (
            Edit(
                "service/ingress/webhook.py",
                "            await self._durable.keep(work.record)\n",
                "            keep, record = self._durable.keep, work.record\n"
                "            asyncio.get_running_loop().call_later(\n"
                "                1.0, lambda: asyncio.ensure_future(keep(record))\n"
                "            )\n",
            ),
        ),
    ),
    Bug(
        "the end of a record request not on its topic",
        "record request",
        "records",
        (
            Edit(
                "consumers/records/advancing.py",
                "    await tell(unit, [finished(about(after), looked.facts, end, looked.link)])\n"
                "    await outbox.tell_state(unit, state_of(unit, after))\n",
                "    await tell(unit, [finished(about(after), looked.facts, end, looked.link)])\n",
            ),
        ),
    ),
    Bug(
        "a record request that is ready without its link",
        "record request",
        "records",
        (
            Edit(
                "consumers/records/advancing.py",
                "finished(about(after), looked.facts, end, looked.link)",
                "finished(about(after), looked.facts, end, None)",
            ),
        ),
    ),
)
