"""Links a messenger account: creates a session, prints the page for the account's owner, and waits for the outcome.

Python 3.9 or newer, standard library only. Exit status: 0 connected, 1 not connected, 2 a setting is missing.
"""

import json
import os
import random
import sys
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

MAX_FAILURES = 8  # in a row
WAIT_SECONDS = 30  # the most a request is held


def setting(name, default=None):
    value = os.environ.get(name) or default
    if value is None:
        print(f"set {name}", file=sys.stderr)
        sys.exit(2)
    return value


URL = setting("QRCAST_URL", "http://127.0.0.1:3000").rstrip("/")
API_KEY = setting("QRCAST_API_KEY")


def call(method, path, body=None, etag=None):
    """Returns the answer and its ETag. The answer is None if nothing is newer than `etag`. Ends the program if it is refused."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    if etag is not None:
        headers["If-None-Match"] = etag
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body).encode()
    for failures in range(MAX_FAILURES):
        retry_after = "0"
        try:
            with urlopen(Request(URL + path, body, headers, method=method), timeout=WAIT_SECONDS + 10) as answer:
                return json.load(answer), answer.headers["ETag"]
        except HTTPError as refusal:
            if refusal.code == 304:
                return None, etag
            trouble = detail_of(refusal)
            if refusal.code != 429 and refusal.code < 500:
                sys.exit(f"refused: {trouble}")
            retry_after = refusal.headers.get("Retry-After", "0")
        except (OSError, HTTPException, ValueError) as fault:  # no connection, cut short, not JSON
            trouble = str(fault)
        print(f"{trouble}; trying again", file=sys.stderr)
        time.sleep(float(retry_after if retry_after.isdigit() else 0) + random.uniform(0, min(15, 2**failures)))
    sys.exit(f"gave up after {MAX_FAILURES} tries")


def detail_of(refusal):
    """The gateway explains a refusal in application/problem+json; a proxy before it may not."""
    try:
        return json.load(refusal)["detail"]
    except (ValueError, KeyError, TypeError):
        return f"status {refusal.code}"


def describe(session):
    why = session["notice"] and session["notice"]["code"] or session["end"] and session["end"]["reason"]
    return f"{session['state']} ({why})" if why else session["state"]


def create():
    body = {"instanceId": setting("GREEN_API_ID_INSTANCE"), "apiToken": setting("GREEN_API_TOKEN"), "reference": "order-77"}
    if os.environ.get("GREEN_API_URL"):
        body["apiUrl"] = os.environ["GREEN_API_URL"]
    return call("POST", "/v1/sessions", body)[0]


def watch(session_id):
    """Prints each new state. Returns True when connected, False when that is no longer possible."""
    etag = printed = None
    while True:
        answer, etag = call("GET", f"/v1/sessions/{session_id}?formats=text&wait={WAIT_SECONDS}", etag=etag)
        if answer is None:
            continue
        session = answer["session"]
        if describe(session) != printed:
            printed = describe(session)
            print(printed, flush=True)
        if session["state"] == "connected":
            return True
        if session["state"] == "ended" and not session["end"]["resumable"]:
            return False


created = create()
print("page:", created["pageUrl"], flush=True)
sys.exit(0 if watch(created["session"]["id"]) else 1)
