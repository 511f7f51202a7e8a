"""``kilter baseline`` and ``annotate`` against a running Kilter."""

import json
import urllib.error
import urllib.request

import pytest
from click.testing import CliRunner
from running import RunningKilter

from detectors.features.calibration import classifier_digest
from detectors.records.baseline import Baseline, Layer, Reference
from detectors.watch.rules import COUNTING
from sidecar import cli
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.store.baseline_file import dumped

REFERENCE = Reference("refusal_by_length", "1", "m", (Layer("1", 50, 1000),), 60.0, 1.0, 1.1, 0.9, 0.01)
BASELINE = Baseline(
    (REFERENCE,), (), 60.0, 1440, 1, 0.0, 86400.0, 86400.0, classifier=classifier_digest(), counting=COUNTING
)


async def test_a_baseline_is_imported_shown_exported_and_learned_anew(tmp_path):
    file = tmp_path / "baseline.json"
    file.write_text(dumped(BASELINE))
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path / "k") as kilter:

            def kilter_command(*argv, write=False):
                where = (
                    "--admin",
                    kilter.admin.removeprefix("http://"),
                    *(("--state", str(kilter.state)) if write else ()),
                )
                done = CliRunner().invoke(cli.main, [*argv, *where])
                return done.exit_code, done.output

            assert "No baseline yet: nothing is judged." in kilter_command("baseline", "list")[1]
            code, said = kilter_command("baseline", "promote", write=True)
            assert (code, "not ready: 0 of 2000 observations" in said) == (3, True)

            assert kilter_command("baseline", "import", str(file), write=True) == (
                0,
                f"baseline {BASELINE.id} is in use\n",
            )
            assert "refusal_by_length" in kilter_command("baseline", "show")[1]
            assert kilter_command("baseline", "export", BASELINE.id) == (0, file.read_text())
            assert json.loads(kilter_command("baseline", "list", "--json")[1])["in_use"] == BASELINE.id
            states = kilter.metrics().by("kilter_baseline_state", "state")
            assert states == {"in_use": 1}

            assert kilter_command("baseline", "learn", write=True)[0] == 0
            assert "Baseline " in kilter_command("baseline", "list")[1]
            assert kilter.metrics().by("kilter_baseline_state", "state") == {"learning_next": 1}

            edited = json.loads(file.read_text())
            edited["baseline"]["references"][0]["odds_margin"] = 50
            file.write_text(json.dumps(edited))
            code, said = kilter_command("baseline", "import", str(file), write=True)
            assert (code, "sha256: the file was changed" in said) == (2, True)
            assert kilter_command("annotate", "new system prompt", write=True) == (0, "kept\n")
            assert kilter.metrics().total("kilter_annotations_total") == 1

            request = urllib.request.Request(kilter.admin + "/api/v1/baselines/learn", method="PUT")
            with pytest.raises(urllib.error.HTTPError, match="401") as refused:
                urllib.request.urlopen(request, timeout=5)
            refused.value.close()
