"""The command line of ``metriport-ias webhook``.

Exit codes: 0 done and in order, 1 not (taken, not verified, not rotated), 2 settings or arguments are wrong.
"""

import argparse
import os
from pathlib import Path
from typing import Any, Final

from consumers.webhook_setup import steps
from consumers.webhook_setup.account import usable_url
from consumers.webhook_setup.key_file import KeyFile
from consumers.webhook_setup.steps import NOT_DONE, Patience
from consumers.webhook_setup.vendor import VendorAccount
from service.gateway.client import open_client
from service.settings.metriport import WebhookSetupSettings
from service.settings.roles import Role, load

_ABOUT: Final = (
    "An account has one webhook URL. Keys are never printed: they go to the --key-file, readable for its"
    " owner alone, newest first, so that it can become the secret METRIPORT_WEBHOOK_KEYS as it is."
    " Needs METRIPORT_API_URL, METRIPORT_API_KEY and METRIPORT_FACILITY_ID, as the gateway does."
)


def add_arguments(parser: argparse.ArgumentParser) -> Any:  # noqa: ANN401 - argparse has no public name for it
    """The grammar of the command; what further actions are added to."""
    parser.description = _ABOUT
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    register = actions.add_parser(
        "register",
        help="make a URL the account's, and keep its key",
        description="Shows the present URL and changes it only if there is none, or with --replace."
        " Of a URL that is registered already it only keeps the key. " + _ABOUT,
    )
    register.add_argument("url", type=_url, help="https://…/webhooks/metriport of the ingress")
    register.add_argument(
        "--replace", action="store_true", help="take the place of another URL, which gets no more"
    )
    _key_file(register, required=True)
    shown = actions.add_parser("status", help="tell the URL, its key's hash, and how it is doing")
    _key_file(shown, required=False)
    verify = actions.add_parser(
        "verify",
        help="have it pinged; does Metriport call it verified?",
        description="Sets the same URL again, which makes Metriport ping it, and looks what it says of that.",
    )
    verify.add_argument(
        "--wait",
        type=float,
        default=15.0,
        metavar="SECONDS",
        help="go on pinging for so long (15); a mounted key may need a minute or two",
    )
    rotate = actions.add_parser(
        "rotate-key",
        help="have another key made, and keep both",
        description="Clears the URL and sets it again, as Metriport's docs say, and reads the key back: it"
        " may not have changed (exit code 1). " + _ABOUT,
    )
    _key_file(rotate, required=True)
    return actions


def _key_file(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--key-file",
        type=Path,
        required=required,
        metavar="FILE",
        help="keys, newest first, mode 0600; those in it stay behind the newest"
        if required
        else "say where in this file the present key stands",
    )


def _url(text: str) -> str:
    try:
        return usable_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        SetupError: it did not work.
    """
    settings = load(Role.WEBHOOK, os.environ)
    if not isinstance(settings, WebhookSetupSettings):
        return NOT_DONE
    async with open_client(settings.metriport) as client:
        return await _do(options, VendorAccount(client))


async def _do(options: argparse.Namespace, account: VendorAccount) -> int:
    match options.action:
        case "register":
            file = KeyFile(options.key_file)
            return await steps.register(account, options.url, file, _print, replace=options.replace)
        case "status":
            known = KeyFile(options.key_file) if options.key_file else None
            return await steps.status(account, known, _print)
        case "verify":
            return await steps.verify(account, _print, Patience(most=options.wait))
        case _:
            return await steps.rotate(account, KeyFile(options.key_file), _print)


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is the command's output
