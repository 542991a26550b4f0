"""Does what its standard input says, an order in JSON on each line, with the helpers for requests, and writes what came of it, each
on a line. How many URLs are kept is the first argument."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../clients/python"))
import proxy409  # noqa: E402
import requests  # noqa: E402

s = proxy409.session(int(sys.argv[1]))


def count(document):
    document["n"] = document.get("n", 0) + 1


def obey(order):
    if order["do"] == "send":
        headers = order.get("headers") or {}
        if headers.get("Idempotency-Key") == "new":
            headers |= proxy409.idempotency_key()
        return s.request(order["method"], order["url"], headers=headers, data=order.get("body") or None)
    if order["do"] == "update":
        return proxy409.update(s, order["url"], count, tries=order["tries"], headers=order.get("headers"))

    def often(_):
        for _ in range(order["times"]):
            proxy409.update(s, order["url"], count, tries=order["tries"])

    with ThreadPoolExecutor(order["updaters"]) as pool:
        list(pool.map(often, range(order["updaters"])))
    return None


for line in sys.stdin:
    try:
        answer = obey(json.loads(line))
        result = {"status": 200} if answer is None else {"status": answer.status_code, "body": answer.text}
    except Exception as error:
        name = type(error).__name__
        result = {"error": "Lost" if name == "ConnectionError" else name, "text": str(error)}
        response = getattr(error, "response", None)
        if response is not None:
            result |= {"status": response.status_code, "reason": proxy409.reason(response)}
    print(json.dumps(result), flush=True)
