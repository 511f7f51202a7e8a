"""Sections of the configuration for how traffic is counted and judged."""

from __future__ import annotations

from pydantic import Field

from sidecar.config_section import Seconds, Section


class Labels(Section):
    """Bounds of metric labels that come from traffic; what is past them is `other`."""

    models: tuple[str, ...] = Field((), description="Models shown by name; empty: the first `top_models` seen.")
    top_models: int = Field(20, ge=1, le=200, description="Models shown by name where none are listed.")
    top_languages: int = Field(20, ge=1, le=60, description="Languages shown by name.")
    top_tools: int = Field(30, ge=1, le=100, description="Tools shown by name.")


class Ticks(Section):
    """Counting is by the time at which a request began."""

    length_s: Seconds = Field(60.0, description="Length of a tick.")
    grace_s: Seconds = Field(600.0, description="A tick waits this long after its end for what is in flight.")
    window_s: Seconds = Field(3600.0, description="`kilter_rate` covers this long up to now.")


class Baselines(Section):
    """What is usual: learned from traffic, used once a person promotes it."""

    file: str = Field("", description="A file of `kilter baseline export` to judge by, for example from a ConfigMap.")
    expected: bool = Field(default=False, description="Starting without a baseline is then a state of its own.")
    learn_days: int = Field(7, ge=0, le=366, description="Days with traffic after which a baseline is ready.")
    learn_trials: int = Field(2000, ge=1, description="Observations in the largest stratum after which one is ready.")


class Budget(Section):
    """The chance of any false alarm, over all strata."""

    false_alarms: float = Field(0.007, gt=0, lt=1, description="Chance of any false alarm from traffic in a period.")
    period_days: float = Field(30.0, gt=0, le=366, description="Length of a period.")
    most_strata: int = Field(
        80, ge=1, le=1000, description="Strata tested alone; what is past them is tested together."
    )


class Verdicts(Section):
    """When a change matters. Differences of rates: .02 is two points. The defaults are Kilter's own."""

    margin: float = Field(0.005, gt=0, lt=0.5, description="Within it a rate is no drift.")
    floor: float = Field(0.02, gt=0, lt=1, description="An alarm needs a difference shown to be larger.")
    floor_relative: float = Field(0.25, gt=0, le=10, description="The same for rates below 4 %, as a part of the rate.")
    least_users: float = Field(30.0, ge=1, description="Nothing is judged below so many equal users.")
