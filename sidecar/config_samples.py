"""The key ``keep_samples``: prompts and answers that are kept, for whoever decided to."""

from __future__ import annotations

from pydantic import Field, model_validator

from sidecar.config_section import Section


class KeepSamples(Section):
    """The text of exchanges that were looked at, encrypted, so that those of an alarm can be read. Off unless `dir` is set. Needs `pip install 'kilter[samples]'`."""

    dir: str = Field("", description="Directory for what is kept, its own; empty: no text is ever kept.")
    key_file: str = Field(
        "", description="File with 32 bytes as hex: what is kept can be read with it alone. Needed with `dir`."
    )
    ttl_s: float = Field(86400.0, ge=60, le=30 * 86400, description="Nothing is kept longer, in seconds.")
    max_bytes: int = Field(256 << 20, ge=1 << 20, description="All that is kept takes no more; the oldest goes first.")

    @model_validator(mode="after")
    def _key(self) -> KeepSamples:
        if self.dir and not self.key_file:
            raise ValueError("dir: needs key_file too, since text is kept encrypted or not at all")
        return self
