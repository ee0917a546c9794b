"""The sandbox as a process: read the flags, serve, stop on SIGTERM or SIGINT."""

import argparse
import asyncio
import contextlib
import io
import signal
import sys
from collections.abc import Sequence
from functools import partial

from aiohttp import web

from . import __doc__ as package_doc
from .app import create_sandbox
from .config import DEFAULT_API_KEY, DEFAULT_FACILITY_ID, DEFAULT_LIMITS, SOURCES, SandboxConfig

_SHUTDOWN_SECONDS = 2.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.sources) - set(SOURCES):
        parser.error(f"--sources: unknown: {', '.join(sorted(unknown))}")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the lines hold arrows, a terminal may not
    asyncio.run(_serve(_config(arguments), arguments.host, arguments.port))
    return 0


async def _serve(config: SandboxConfig, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sandbox = create_sandbox(config)
    runner = web.AppRunner(sandbox.app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        if config.public_url is None:
            sandbox.origin = f"http://{shown}:{bound}"
        _say(f"listening on http://{shown}:{bound}")
        await stop.wait()
    finally:
        await runner.cleanup()


def _config(arguments: argparse.Namespace) -> SandboxConfig:
    values = dict(vars(arguments))
    for name in ("host", "port"):
        del values[name]
    quiet = values.pop("quiet")
    given = values.pop("limit") or []
    facilities = tuple(values.pop("facility_id") or [DEFAULT_FACILITY_ID])
    return SandboxConfig(
        facility_ids=facilities,
        redirect_urls=tuple(values.pop("redirect_url") or []),
        limits={**DEFAULT_LIMITS, **dict(given)},
        log=None if quiet else _say,
        **values,
    )


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody reads any more: serve on all the same
        print(line, flush=True)


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    return name, int(number)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.metriport_sandbox",
        description="A double of Metriport's sandbox for Individual Access Services.",
        epilog=package_doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_account(parser)
    _add_timing(parser)
    _add_behaviour(parser)
    return parser


def _add_account(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("server and account").add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="0 takes a free port (default)")
    add("--public-url", help="origin to use in links; default: the one that callers use")
    add("--quiet", action="store_true", help="do not print calls and webhooks")
    add("--api-key", default=DEFAULT_API_KEY, help="the account's key (default: %(default)s)")
    add("--facility-id", action="append", help=f"repeatable (default: {DEFAULT_FACILITY_ID})")
    add("--webhook-url", help="set the webhook address at start, without a ping")
    add("--webhook-key", help="fix the webhook key; default: made with the first address")
    add("--redirect-url", action="append", help="repeatable: the exact allow-list of redirectUrl")
    add(
        "--allow-loopback",
        action="store_true",
        help="accept loopback and http URLs; with no --redirect-url, accept any redirect",
    )


def _add_timing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("timing").add_argument
    seconds = partial(add, type=float, metavar="SECONDS")
    seconds("--step-seconds", default=0.5, help="length of one step of a query (%(default)s)")
    seconds("--aal2-session-seconds", default=900.0, help="life of an AAL2 session (%(default)s)")
    seconds("--hosted-page-seconds", default=1800.0, help="life of a hosted page (%(default)s)")
    seconds("--identity-webhook-seconds", default=0.0, help="wait before it (%(default)s)")
    add("--link-seconds", type=int, default=180, help="life of data links (%(default)s)")
    add("--document-link-seconds", type=int, default=600, help="of documents (%(default)s)")


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("behaviour").add_argument
    add(
        "--sources",
        type=_names,
        default=SOURCES,
        help="enabled sources (default: hie,pharmacy,lab; the real sandbox: hie)",
    )
    add("--key-rotation", choices=("kept", "renewed"), default="kept")
    add("--webhook-enabled", choices=("boolean", "string"), default="boolean")
    add("--identity-webhook", choices=("payload", "toplevel"), default="payload")
    add("--identity-redirect-parameters", action="store_true", help="add sessionId and status")
    add("--redirect-style", choices=("merge", "naive"), default="merge")
    add("--failed-listing", choices=("both", "errors"), default="both")
    add("--running-word", choices=("processing", "in-progress"), default="processing")
    add("--bundle-type", choices=("searchset", "collection"), default="searchset")
    add("--aal2-single-use", action="store_true", help="a session serves one query only")
    add("--duplicate-webhooks", action="store_true", help="deliver every webhook twice")
    add(
        "--webhook-loss",
        choices=("none", "failed", "silent"),
        default="none",
        help="keep webhooks back as failures, or lose them silently",
    )
    add("--limit", action="append", type=_limit, metavar="NAME=N", help="calls a minute")
    add("--daily-quota", type=int, help="calls a day (the vendor's sandbox: 500; default: off)")
    add("--patient-limit", type=int, default=20, help="patients in the account (%(default)s)")
    add("--seed", type=int, help="repeatable ids and keys")


if __name__ == "__main__":
    sys.exit(main())
