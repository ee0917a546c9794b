# mypy: disable-error-code="import-not-found"
"""(b) What the vendor's sample does, on FastAPI: verify, parse, print, answer. Nothing is kept.

``python -m tests.bench.sample PORT``; the webhook key is in ``WEBHOOK_KEY``. What it prints goes
nowhere. The import above is of packages that only the benchmark installs.
"""

import hashlib
import hmac
import json
import os
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException, Request

from tests.bench.wire import PATH

KEY = os.environ.get("WEBHOOK_KEY", "")


async def receive(request: Request) -> dict[str, str]:
    """Verify, parse, print, answer."""
    body = await request.body()
    made = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made, request.headers.get("x-metriport-signature", "")):
        raise HTTPException(status_code=401)
    payload = json.loads(body)
    print(f"webhook received: {payload}")
    return {}


def main() -> None:
    """Serve until SIGTERM: asyncio's own loop, and the parser that a plain ``uvicorn`` brings."""
    app = FastAPI()
    app.add_api_route(PATH, receive, methods=["POST"])
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = nowhere
        uvicorn.run(
            app,
            host="127.0.0.1",
            port=int(sys.argv[1]),
            loop="asyncio",
            http=os.environ.get("UVICORN_HTTP", "h11"),
            access_log=False,
            log_level="error",
        )


if __name__ == "__main__":
    main()
