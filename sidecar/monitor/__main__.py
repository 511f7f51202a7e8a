"""The monitor process: ``python -m sidecar.monitor DOCUMENT_FD``, started by the supervisor."""

from __future__ import annotations

import asyncio
import json
import sys

from prometheus_client import disable_created_metrics

from sidecar import handover, logs
from sidecar.config import Config
from sidecar.hardening import forbid_core_dumps
from sidecar.monitor.monitor import Monitor


async def work(config: Config, document: dict[str, object]) -> None:
    """One monitor from start to end."""
    await Monitor(config, document).run()


def main() -> None:
    """Reads the document and watches until told to stop or the supervisor is gone."""
    forbid_core_dumps()
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotation here; a second series for every counter, which nobody asks for
    document = handover.read_document(int(sys.argv[1]))
    told = json.loads(document["config"])
    config = Config.model_validate(told["config"])
    document["canary_secret"] = told["canary_secret"]
    logs.set_up("monitor", config.log.level)
    asyncio.run(work(config, document))


if __name__ == "__main__":
    main()
