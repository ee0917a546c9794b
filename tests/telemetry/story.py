"""One person's complete retrieval with one command, for whoever looks at what it leaves behind."""

import asyncio

from tests.local.journey import Journey


async def retrieve(walk: Journey, pause: float = 0.0) -> None:
    """Ask, prove, answer the challenge, download. The application confirms once it was told of the return:
    a confirmation that overtakes the return is answered with ``code_invalid``."""
    command = await walk.request_records()
    await walk.take_identity_step(command)
    await asyncio.sleep(pause)
    link = await walk.step_link(command, kind="aal2_challenge")
    await walk.browser.answer_challenge(link["url"])
    await walk.application.event("Aal2SessionReceived", within=walk.patience, linkId=link["linkId"])
    await walk.confirm(await walk.application.returned(link["linkId"]))
    await walk.records(command)
