"""What every section of the configuration is made of."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _header(text: str) -> str:
    if text and not _HEADER.fullmatch(text):
        raise ValueError("need an HTTP header name")
    return text.lower()


HeaderName = Annotated[str, AfterValidator(_header)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class Section(BaseModel):
    """Unknown keys are refused; input never appears in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
