"""A place too small for langid's model, in a real Kilter: languages are told by CLD2, no exchange is lost, and it is said."""

import os
import shutil
import subprocess

import pytest
from load import ask, chat
from real import missing
from running import RunningKilter

from detectors.features import language
from sidecar.demo.upstream import ScriptedUpstream

SMALL = 'mount -t tmpfs -o size=256k none "$1" && shift && exec "$@"'


def small_tmp(directory, argv):
    """``argv`` with a temporary directory of 256 KiB, which the unpacked model does not fit into."""
    unshare = shutil.which("unshare")
    if os.geteuid() or not unshare or subprocess.run([unshare, "-m", "true"], check=False).returncode:
        missing("a mount namespace of one's own needs root")
    directory.mkdir()
    return [unshare, "-m", "sh", "-c", SMALL, "sh", str(directory), *argv]


@pytest.mark.timeout(90)
async def test_where_the_model_cannot_be_unpacked_no_exchange_is_lost_and_it_is_said(tmp_path):
    async with ScriptedUpstream() as upstream:
        kilter = RunningKilter(upstream.url, tmp_path, env={"TMPDIR": str(tmp_path / "tmp")})
        kilter.argv = small_tmp(tmp_path / "tmp", kilter.argv)
        with kilter:
            for text in (
                "Wie geht es dir?",
                "How do I clean a bicycle chain, and how often, if I ride in the rain a lot?",
            ):
                assert (await ask(kilter.url, *chat(text))).status == 200
            seen = kilter.until(lambda seen: seen.total("kilter_responses_total") == 2, 60)
            assert seen.total("kilter_responses_total") == 2
            assert seen.total("kilter_analysis_errors_total") == 0
            assert seen.total("kilter_language_second_opinion") == 0
            assert seen.total("kilter_languages_total", language="de") == 1
    assert [line["message"].partition(":")[0] for line in kilter.lines() if line["level"] in ("warning", "error")] == [
        "languages are told by CLD2 alone"
    ]


async def test_where_it_can_there_is_a_second_opinion_before_anything_is_read(tmp_path):
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            assert (await ask(kilter.url, *chat("Wie geht es dir?"))).status == 200
            seen = kilter.until(lambda seen: seen.total("kilter_responses_total") == 1, 60)
            assert seen.total("kilter_language_second_opinion") == 1


def test_without_it_cld2_has_the_last_word(monkeypatch):
    monkeypatch.setattr(language, "_langid", lambda: None)
    language._known_to_langid.cache_clear()
    try:
        assert not language.second_opinion()
        assert language.identify("Wie kann ich mein Passwort zurücksetzen?") == "de"
        assert language.identify("I am \ufdd0 quite sure of this") == "und"  # what CLD2 refuses to read
    finally:
        language._known_to_langid.cache_clear()
