"""What is marked in every graph: alarms, pauses, changes of the model, epochs of the canaries."""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

from panels import AMBER, BLUE, DATASOURCE, GREEN, RED, SCRAPED, Json

PURPLE = "purple"


def _mark(name: str, colour: str, expr: str, title: str, text: str, tags: str) -> Json:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "titleFormat": title,
        "textFormat": text,
        "tagKeys": tags,
    }


def events() -> list[Json]:
    """The annotations. A point is marked wherever an expression returns more than 0; points in a row are one stretch."""
    return [
        _mark(
            "Alarms",
            RED,
            f'kilter_state{{{SCRAPED}, state="out_of_control"}} == 1',
            "out of control",
            "{{behaviour}}, {{stratum}}, {{model}}",
            "behaviour,stratum,model",
        ),
        _mark(
            "Alerts about refusals without a baseline",
            AMBER,
            'ALERTS{alertname="RefusalRateChanged", alertstate="firing", job=~"$job"}',
            "RefusalRateChanged",
            "{{model}}, turns {{stratum}}",
            "model,stratum",
        ),
        _mark("Pauses", BLUE, f"1 - kilter_observe{{{SCRAPED}}} > 0", "paused", "{{instance}}", "instance"),
        _mark(
            "Changes of the model",
            PURPLE,
            f"sum by (instance, kind) (increase(kilter_model_variant_changes_total{{{SCRAPED}}}[2m])) > 0",
            "another model, or build of it",
            "{{kind}}, {{instance}}",
            "kind",
        ),
        _mark(
            "Epochs",
            GREEN,
            f"changes(kilter_canary_epoch{{{SCRAPED}}}[2m]) > 0",
            "fresh prompts",
            "{{suite}}",
            "suite",
        ),
    ]
