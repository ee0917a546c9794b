"""The command line of ``metriport-ias webhooks``, but for ``replay``."""

import argparse
from pathlib import Path
from typing import Any, Final

from consumers.command_line import OK, add_json, say, say_aside, say_json, settings_of, teach
from consumers.webhook_setup import steps
from consumers.webhook_setup.account import usable_url
from consumers.webhook_setup.key_file import KeyFile
from consumers.webhook_setup.steps import NOT_DONE, Patience
from consumers.webhook_setup.telling import Telling
from consumers.webhook_setup.vendor import VendorAccount
from service.gateway.client import open_client
from service.settings.metriport import WebhookSetupSettings
from service.settings.roles import Role

_ABOUT: Final = (
    "An account has one webhook URL. Keys are never printed: they go to the --key-file, readable for its"
    " owner alone, newest first, so that it can become the secret METRIPORT_WEBHOOK_KEYS as it is."
    " Needs METRIPORT_API_URL, METRIPORT_API_KEY and METRIPORT_FACILITY_ID, as the gateway does."
)
_REGISTER: Final = (
    "Shows the present URL and changes it only if there is none, or with --replace."
    " Of a URL that is registered already it only keeps the key. " + _ABOUT
)
_STATUS: Final = (
    "Tells the account's webhook URL, the hash of its key, whether Metriport calls it verified, and how many"
    " deliveries are under way and failed. It changes nothing."
)
_VERIFY: Final = (
    "Sets the same URL again, which makes Metriport ping it, and looks what Metriport says of that."
)
_ROTATE: Final = (
    "Clears the URL and sets it again, as Metriport's docs say, and reads the key back: it"
    " may not have changed. " + _ABOUT
)
_URL: Final = "https://ias.example.com/webhooks/metriport"


def add_arguments(parser: argparse.ArgumentParser) -> Any:  # noqa: ANN401 - argparse has no public name for it
    """The grammar of the command; what further actions are added to."""
    parser.description = _ABOUT
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_register(actions)
    _add_status(actions)
    _add_verify(actions)
    _add_rotate(actions)
    return actions


def _add_register(actions: Any) -> None:  # noqa: ANN401 - as above
    register = actions.add_parser("register", help="make a URL the account's, and keep its key")
    teach(
        register,
        _REGISTER,
        example=f"metriport-ias webhooks register {_URL} --key-file webhook-keys",
        ends={OK: "the URL is the account's", NOT_DONE: "another one is, or it did not work"},
    )
    register.add_argument("url", type=_url, help="https://…/webhooks/metriport of the ingress")
    register.add_argument(
        "--replace", action="store_true", help="take the place of another URL, which gets no more"
    )
    _key_file(register, required=True)
    add_json(register)


def _add_status(actions: Any) -> None:  # noqa: ANN401 - as above
    shown = actions.add_parser("status", help="tell the URL, its key's hash, and how it is doing")
    teach(
        shown,
        _STATUS,
        example="metriport-ias webhooks status --key-file webhook-keys --json",
        ends={
            OK: "it is verified, and the file holds its key",
            NOT_DONE: "it is not, or Metriport does not say",
        },
    )
    _key_file(shown, required=False)
    add_json(shown)


def _add_verify(actions: Any) -> None:  # noqa: ANN401 - as above
    verify = actions.add_parser("verify", help="have it pinged; does Metriport call it verified?")
    teach(
        verify,
        _VERIFY,
        example="metriport-ias webhooks verify --wait 180",
        ends={OK: "Metriport calls it verified", NOT_DONE: "it does not, or there is no URL"},
    )
    verify.add_argument(
        "--wait",
        type=float,
        default=15.0,
        metavar="SECONDS",
        help="go on pinging for so long (15); a mounted key may need a minute or two",
    )
    add_json(verify)


def _add_rotate(actions: Any) -> None:  # noqa: ANN401 - as above
    rotate = actions.add_parser("rotate-key", help="have another key made, and keep both")
    teach(
        rotate,
        _ROTATE,
        example="metriport-ias webhooks rotate-key --key-file webhook-keys",
        ends={
            OK: "there is another key, and the file holds both",
            NOT_DONE: "the key is the same, or it did not work: stderr says if the URL has to be registered again",
        },
    )
    _key_file(rotate, required=True)
    add_json(rotate)


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
    settings = settings_of(Role.WEBHOOK, WebhookSetupSettings)
    tell = Telling(say_aside if options.json else say)
    async with open_client(settings.metriport) as client:
        code = await _do(options, VendorAccount(client), tell)
    if options.json:
        say_json(tell.document(options.action, done=code == OK))
    return code


async def _do(options: argparse.Namespace, account: VendorAccount, tell: Telling) -> int:
    match options.action:
        case "register":
            file = KeyFile(options.key_file)
            return await steps.register(account, options.url, file, tell, replace=options.replace)
        case "status":
            known = KeyFile(options.key_file) if options.key_file else None
            return await steps.status(account, known, tell)
        case "verify":
            return await steps.verify(account, tell, Patience(most=options.wait))
        case _:
            return await steps.rotate(account, KeyFile(options.key_file), tell)
