"""The rotation secret and how the monitor comes by it, and that what is committed to is what is rendered."""

import hashlib
import json

import pytest
from click.testing import CliRunner

from sidecar import config, start
from sidecar.canary import secret
from sidecar.canary.generate import render
from sidecar.canary.loading import built_in_paths, load
from sidecar.canary.printed import commitment, lines
from sidecar.cli import main
from sidecar.config_source import ConfigError

HEX = "5a" * 32


def test_the_environment_wins_over_the_file_and_may_name_one(tmp_path):
    (tmp_path / "a").write_text(HEX + "\n")
    (tmp_path / "b").write_text("5b" * 32)
    assert secret.named(None, {}) is None
    assert secret.named(tmp_path / "a", {}) == bytes.fromhex(HEX)
    assert secret.named(tmp_path / "a", {secret.VARIABLE: "5c" * 32}) == bytes.fromhex("5c" * 32)
    assert secret.named(tmp_path / "a", {secret.VARIABLE: str(tmp_path / "b")}) == bytes.fromhex("5b" * 32)


@pytest.mark.parametrize("text", ["", "5a5a", "zz" * 32, "5a" * 33])
def test_anything_else_is_refused_and_not_repeated(tmp_path, text):
    (tmp_path / "s").write_text(text)
    with pytest.raises(secret.SecretError, match="need 32 bytes as hex") as error:
        secret.named(tmp_path / "s", {})
    assert not text or text not in str(error.value)
    with pytest.raises(secret.SecretError, match="cannot be read"):
        secret.named(tmp_path / "nowhere", {})


def configured(tmp_path, **more):
    canary = {"enabled": True, "key_file": "k", "tokens_a_day": 1, **more}
    return config.load(None, {}, upstream="http://h", state=str(tmp_path / "state"), canary=canary)


def handed_over(*args):
    return json.loads(start.monitor_config(*args))


def test_the_monitor_is_given_the_secret_since_its_environment_holds_none(tmp_path):
    told = handed_over(configured(tmp_path), {secret.VARIABLE: HEX})
    assert told["canary_secret"] == HEX
    assert HEX not in json.dumps(told["config"])
    made = handed_over(configured(tmp_path), {})["canary_secret"]
    assert (
        made == handed_over(configured(tmp_path), {})["canary_secret"] == (tmp_path / "state/canary_secret").read_text()
    )


def test_canaries_that_are_off_need_no_secret(tmp_path):
    assert handed_over(configured(tmp_path, enabled=False), {})["canary_secret"] == ""
    assert not (tmp_path / "state").exists()


def test_a_secret_that_cannot_be_read_stops_the_start_and_names_the_key(tmp_path):
    with pytest.raises(ConfigError, match=r"canary.secret_file: .*nowhere: cannot be read"):
        start.monitor_config(configured(tmp_path, secret_file=str(tmp_path / "nowhere")), {})


def test_what_is_committed_to_before_an_epoch_is_the_hash_of_what_render_prints_after_it(tmp_path):
    path = next(path for path in built_in_paths() if path.stem == "policy_proxy")
    for draw in (0, 2):
        args = ["canary", "render", "--epoch", "2931", "--suite", "policy_proxy", "--draw", str(draw)]
        env = {"KILTER_CANARY_SECRET": HEX, "KILTER_STATE": str(tmp_path)}
        printed = CliRunner().invoke(main, args, env=env, catch_exceptions=False).stdout
        assert commitment(load(path), bytes.fromhex(HEX), 2931, draw) == hashlib.sha256(printed.encode()).hexdigest()


def test_prompts_that_the_secret_holds_back_are_not_printed_before_their_time(tmp_path):
    families = "".join(
        f'  - {{id: f{at}, prompts: {{en: "Say {at}."}}, expect: {{comply: true}}}}\n' for at in range(10)
    )
    path = tmp_path / "held.yaml"
    path.write_text(f"version: 1\nsuite: held\nrotation: {{holdout_fraction: 0.5}}\nfamilies:\n{families}")
    cases = render(load(path), bytes.fromhex(HEX), 26)
    assert len(list(lines(cases))) == sum(not case.retired for case in cases) < 10


@pytest.mark.parametrize(
    ("section", "need"),
    [
        ({"enabled": True, "tokens_a_day": 5}, "enabled needs key_file"),
        ({"enabled": True, "key_file": "k"}, "enabled needs tokens_a_day"),
        ({"api": "telepathy"}, "need one of anthropic.messages, ollama, openai.chat, openai.responses"),
        ({"queue_url": "localhost:8000"}, "need http"),
        ({"interval_s": 0}, "need"),
        ({"key_fil": "sk-secret-words"}, "unknown key; did you mean key_file?"),
    ],
)
def test_a_section_that_does_not_hold_names_the_key_and_never_the_value(section, need):
    with pytest.raises(ConfigError) as error:
        config.load(None, {}, upstream="http://h", canary=section)
    assert need in str(error.value)
    assert "canary" in str(error.value)
    assert "sk-secret-words" not in str(error.value)
