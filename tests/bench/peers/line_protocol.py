"""The Python side of a bench's peer: one JSON request per line in, one JSON answer per line out.

A peer is a module that calls serve() with its functions; each is called with the request's other fields as keyword
arguments, and what it returns must be JSON. It ends when its standard input ends.
"""

import json
import sys


def serve(functions):
    answers = sys.stdout
    sys.stdout = sys.stderr  # a stray print must not become an answer
    for line in sys.stdin:
        request = json.loads(line)
        try:
            value = functions[request.pop("call")](**request)
            reply = {"ok": True, "value": value}
        except Exception as error:
            reply = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()
