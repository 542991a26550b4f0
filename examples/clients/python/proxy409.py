"""A requests session that writes only from the version that it has read.

It is made for servers behind proxy409, needs nothing but requests, and is meant to be copied.

    s = proxy409.session()
    item = s.get("http://127.0.0.1:8080/items/1").json()
    s.put("http://127.0.0.1:8080/items/1", json=item | {"title": "New"})         # 409 if others have saved
    proxy409.update(s, "http://127.0.0.1:8080/items/1", lambda item: item | {"views": item["views"] + 1})
"""

import random
import re
import threading
import time
import uuid
from urllib.parse import urldefrag

import requests
from requests.adapters import HTTPAdapter

WRITES = ("PUT", "PATCH", "DELETE")


class Refused(requests.HTTPError):
    """An answer that ends an update, as response: the last one, if others have been quicker each time."""


class InDoubt(requests.ConnectionError):
    """A write's answer got lost, and its repetition was refused: nobody can say whether the first one was applied. Look first."""


class Adapter(HTTPAdapter):
    """Remembers the ETag of what it GETs, of up to keep URLs, and sends it as If-Match with the next PUT, PATCH or DELETE of the
    same URL, unless the request has a precondition. Tags go back as they came; on a redirect each URL has its own.

    It remembers for one user who does one thing at a time: who reads a URL anew takes what is there now for what was edited. Set
    If-Match yourself, or use update, where several things go on at once.

    A write whose answer got lost is repeated once, word for word, if it has a precondition or an Idempotency-Key and its body is no
    stream. That relies on the proxy, which does not apply it twice.
    """

    def __init__(self, keep=1000, **kwargs):
        super().__init__(**kwargs)
        self._keep, self._tags, self._lock = keep, {}, threading.Lock()  # tags by URL, in the order in which they came

    def send(self, request, *args, **kwargs):
        url, is_write = urldefrag(request.url).url, request.method in WRITES
        with self._lock:
            tag = self._tags.get(url)
        if is_write and tag and not _has_precondition(request):
            request = request.copy()  # the session makes the next request of a redirect from its own
            request.headers["If-Match"] = tag
            for name, key in idempotency_key().items():
                request.headers.setdefault(name, key)  # or the same words of another client would be this one's
        try:
            answer = super().send(request, *args, **kwargs)
        except (requests.ConnectionError, requests.Timeout) as lost:
            if not _repeatable(request):
                raise
            _pause(1)
            answer = super().send(request, *args, **kwargs)
            # An error says nothing of the first one, unless it is the first one's answer.
            if answer.status_code >= 400 and reason(answer) != "replayed":
                answer.close()
                said = f"the answer got lost, and when it was sent again it was {answer.status_code} {reason(answer)}"
                raise InDoubt(f"{request.method} {url}: {said}", request=request, response=answer) from lost
        tag = answer.headers.get("ETag")
        if request.method == "GET" and answer.status_code in (200, 304) and tag:
            self._remember(url, tag)
        elif is_write and answer.status_code // 100 == 2:
            self._remember(url, tag)  # None: what is there now has not been read
        return answer

    def _remember(self, url, tag):
        with self._lock:
            self._tags.pop(url, None)
            if tag:
                self._tags[url] = tag
            if len(self._tags) > self._keep:
                del self._tags[next(iter(self._tags))]


def session(keep=1000):
    """A session with the adapter, for all servers."""
    made, adapter = requests.Session(), Adapter(keep)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def update(session, url, change, tries=5, headers=None, **kwargs):
    """Reads the JSON document at url, has change change it (or return another one), and PUTs it with the ETag that came with it.

    If others have written meanwhile it does so anew, up to tries times in all, with pauses; so change may be called several times.
    Returns the answer to the PUT, or raises Refused with the one that ended it. The session should have the adapter, for answers that
    get lost; InDoubt is not tried again, as the change might be made twice. kwargs go with each request: give it a timeout.
    """
    headers = dict(headers or {})
    for n in range(1, tries + 1):
        read = session.get(url, headers=headers, **kwargs)
        tag = read.headers.get("ETag")
        if read.status_code != 200:
            raise _refused(read)
        if not tag:
            raise _refused(read, ": there is no ETag, so nobody could tell from which version the change was made")
        document = read.json()
        changed = change(document)
        document = document if changed is None else changed
        # Where the read was led. The tag is that of this URL alone, so it must not be carried on from there.
        wrote = session.put(read.url, json=document, headers={**headers, "If-Match": tag, **idempotency_key()}, allow_redirects=False, **kwargs)
        if wrote.status_code // 100 == 2:
            return wrote
        if n == tries or not _others_wrote(wrote):
            raise _refused(wrote)
        _pause(n, wrote.headers.get("Retry-After"))


def idempotency_key():
    """A header field: with it a POST may be repeated, and a write is not taken for another client's that says the same."""
    return {"Idempotency-Key": f'"{uuid.uuid4()}"'}


def reason(answer):
    """Why the proxy refused, or what else it says of its answer; "" of what comes from the backend."""
    found = re.search(r'\bproxy409;[^,]*\bdetails="([^"]*)"', answer.headers.get("Proxy-Status", ""))
    return found[1] if found else ""


def _refused(answer, why=""):
    return Refused(f"{answer.request.method} {answer.url}: {answer.status_code} {reason(answer)}{why}", request=answer.request, response=answer)


def _others_wrote(answer):
    # It does not help to read again against the 409s of the backend and of the proxy's other rules, nor where something on the way
    # takes If-Match away (missing).
    if answer.status_code == 409:
        return reason(answer) in ("stale", "absent", "busy")
    return answer.status_code == 412


def _has_precondition(request):
    return "If-Match" in request.headers or "If-None-Match" in request.headers


def _repeatable(request):
    known = request.method in WRITES and _has_precondition(request) or "Idempotency-Key" in request.headers
    return known and (request.body is None or isinstance(request.body, (bytes, str)))


def _pause(n, retry_after=None):
    # As long as Retry-After says, and a while left to chance: those who met once would meet again.
    seconds = int(retry_after) if retry_after and retry_after.isdigit() else 0
    time.sleep(seconds + random.uniform(0, 0.05 * 2 ** min(n, 5)))
