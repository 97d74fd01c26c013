"""Serves hostile feeds from a process of its own, so that what they weigh is not taken for the service's.

Reads the number of a case from standard input, answers with the address.
"""

from __future__ import annotations

import sys

from tests.faults.hostile.case import Case
from tests.faults.hostile.cases import CASES
from verbund.testing.feed_server import FeedServer, Reply


def main() -> None:
    for line in sys.stdin:
        with FeedServer() as server:
            _serve(CASES[int(line)], server)
            print(server.url, flush=True)
            sys.stdin.readline()


def _serve(case: Case, server: FeedServer) -> None:
    base = server.url.encode()
    for path, answer in case.build().items():
        reply = answer if isinstance(answer, Reply) else Reply(body=answer.replace(b"{base}", base))
        headers = {name: value.replace("{base}", server.url) for name, value in reply.headers.items()}
        made = Reply(
            body=reply.body, status=reply.status, headers=headers, etag=False, cut_at=reply.cut_at, pace_s=reply.pace_s,
            raw=reply.raw,
        )  # fmt: skip
        server.serve_by(path, lambda _seen, made=made: made)  # type: ignore[misc]


if __name__ == "__main__":
    main()
