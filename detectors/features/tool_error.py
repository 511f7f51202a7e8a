"""Does the result of a tool read as a failure, where its format has no field that says so?

OpenAI's chat format has none: programs hand back "Error: …", a traceback, or JSON with an ``error``
that is not empty. Only the beginning is looked at: a search result may speak of errors further on.
"""

from __future__ import annotations

import re

_READ = 300
_FAILURE = re.compile(
    r"""^[\s'"`\[{(<*]{0,8}
    (?:
        (?:[a-z_]{0,30}\ ?)?(?:error|exception)\b(?:\ code)?['"]?\s{0,2}[:(\[]\s{0,2}+
            (?!['"]{2}|null|none|false|\[\]|\{\}|0\b)
      | traceback\ \(most\ recent\ call\ last\)
      | ['"]?(?:is_?error|failed)['"]?\s{0,2}:\s{0,2}true
      | ['"]?(?:status|state|result)['"]?\s{0,2}:\s{0,2}['"](?:error|failed|failure)['"]
      | (?:command\ not\ found|permission\ denied|no\ such\ (?:file|function|tool))
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def reads_as_error(result: str) -> bool:
    """Whether the text of a tool's result says that the call failed.

    >>> reads_as_error("Error: payment method not found"), reads_as_error('{"error": "", "response": "3"}')
    (True, False)
    """
    return _FAILURE.match(result[:_READ]) is not None
