"""The application's own pages: what a person sees before and after a hosted step."""

from html import escape

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}"
    "a{display:inline-block;padding:.6rem 0}"
)


def member_page(step: str | None) -> str:
    """The page of somebody who is logged in: the link to their open step, if they have one."""
    if step is None:
        nothing = "<p>There is nothing for you to do. This page looks again by itself.</p>"
        return _page("Your medical records", nothing, '<meta http-equiv="refresh" content="2">')
    text = "<p>One step is open before we can get them.</p>"
    return _page("Your medical records", text + _link("Get my records", step))


def returned_page(back: dict[str, str], step: str | None, home: str | None) -> str:
    """Where people come back to; the code in its URL is for the application, not for the eye."""
    if "code" in back:
        title, text = "You are back", "<p>Thank you. It is confirmed that it was you.</p>"
    elif back.get("outcome") == "not_verified":
        title, text = "That was not confirmed", "<p>Nothing was fetched. You can try again.</p>"
        text += _link("Try again", step) if step else ""
    else:
        title, text = "You are back", "<p>Thank you. We hear from Metriport when it is done.</p>"
    return _page(title, text + (_link("Your medical records", home) if home else ""))


def _link(text: str, url: str) -> str:
    return f'<p><a href="{escape(url)}">{escape(text)}</a></p>'


def _page(title: str, body: str, head: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,">{head}'
        f"<title>{escape(title)} - Example application</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
