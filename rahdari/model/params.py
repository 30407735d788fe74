"""Parameters of engines and requests: frozen, nothing extra, defaults and ranges on every field."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Base of every parameter model; its JSON Schema is what forms and docs are made from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
