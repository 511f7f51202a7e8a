"""A mistake in the configuration is named with its place, its key and what is allowed."""

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar import config
from sidecar.config_source import ConfigError

MISTAKES = {
    "unknown key": (
        "upstream: http://x\nlimits:\n  infligt: 3\n",
        ":3: limits.infligt: unknown key; did you mean inflight?",
    ),
    "unknown top key": ("upstream: http://x\nzzz: 1\n", ":2: zzz: unknown key; allowed: upstream, listen"),
    "wrong type": ("upstream: http://x\nsample: two\n", ":2: sample: need a valid number"),
    "out of range": ("upstream: http://x\nsample: 0\n", ":2: sample: need greater than 0"),
    "no upstream": ("sample: 1\n", "upstream: is needed and has no default (--upstream"),
    "upstream without scheme": ("upstream: 127.0.0.1:8000\n", ":1: upstream: need http://HOST"),
    "upstream with a password": ("upstream: http://u:hunter2@x\n", ":1: upstream: need a plain address"),
    "address without port": ("upstream: http://x\nlisten: localhost\n", ":2: listen: need HOST:PORT"),
    "port too large": ("upstream: http://x\nlisten: a:99999\n", ":2: listen: need HOST:PORT"),
    "nobody's provider": (
        "upstream: http://x\nprovider: hunter2\n",
        ":2: provider: need one of anthropic, azure, bedrock, gemini, huggingface, llama, mistral, ollama, openai, sglang,",
    ),
    "header name": (
        "upstream: http://x\nidentity:\n  user_header: 'a b'\n",
        ":3: identity.user_header: need an HTTP header",
    ),
    "eleven apps": (f"upstream: http://x\nidentity:\n  apps: {list('abcdefghijk')}\n", ":3: identity.apps: Tuple"),
    "half of TLS": ("upstream: http://x\ntls:\n  cert_file: a\n", ":2: tls: need cert_file and key_file together"),
    "section is a value": ("upstream: http://x\nlimits: 3\n", ":2: limits: need a valid dictionary"),
    "item of a list": (
        "upstream: http://x\nexclude:\n  paths: [/a, {}]\n",
        ":3: exclude.paths[1]: need a valid string",
    ),
    "given twice": ("upstream: http://x\nsample: 1\nsample: 0.5\n", ":3: sample: given twice"),
    "not YAML": ("upstream: [\n", ":2: not valid YAML"),
    "not a mapping": ("- a\n", ":1: need keys and values at the top level, got a sequence"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_file_line_and_key(tmp_path, mistake):
    text, message = MISTAKES[mistake]
    file = tmp_path / "kilter.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        config.load(file, {})
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert "hunter2" not in str(error.value)


def test_every_mistake_of_a_file_is_told_at_once(tmp_path):
    file = tmp_path / "kilter.yaml"
    file.write_text("upstream: nowhere\nsample: 7\n")
    with pytest.raises(ConfigError) as error:
        config.load(file, {})
    assert str(error.value).count("\n") == 1


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path):
    file = tmp_path / "kilter.yaml"
    file.write_text("upstream: http://file\nsample: 0.1\nworkers: 2\n")
    loaded = config.load(
        file, {"KILTER_UPSTREAM": "http://env", "KILTER_SAMPLE": "0.2"}, upstream="http://flag", sample=None
    )
    assert (loaded.upstream, loaded.sample, loaded.workers) == ("http://flag", 0.2, 2)


def test_a_wrong_value_from_the_environment_is_named_by_its_variable():
    with pytest.raises(ConfigError, match=r"environment variable KILTER_LIMITS__INFLIGHT: limits\.inflight: need"):
        config.load(None, {"KILTER_UPSTREAM": "http://x", "KILTER_LIMITS__INFLIGHT": "many"})


def test_an_unknown_variable_is_refused_but_what_kubernetes_sets_for_a_service_is_not():
    links = {
        "KILTER_PORT": "tcp://10.0.0.1:9400",
        "KILTER_SERVICE_HOST": "10.0.0.1",
        "KILTER_SERVICE_PORT_TRAFFIC": "9400",
        "KILTER_PORT_9400_TCP_ADDR": "10.0.0.1",
        "KILTER_CANARY_PORT_9400_TCP": "tcp://10.0.0.1:9400",
    }
    assert config.load(None, {"KILTER_UPSTREAM": "http://x", **links}).upstream == "http://x"
    with pytest.raises(ConfigError, match="KILTER_SAMPEL: sampel: unknown key; did you mean sample"):
        config.load(None, {"KILTER_UPSTREAM": "http://x", "KILTER_SAMPEL": "1"})


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        config.load(tmp_path / "none.yaml", {})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_yaml_gives_a_configuration_or_a_config_error(tmp_path_factory, tree):
    file = tmp_path_factory.mktemp("any") / "kilter.yaml"
    file.write_text(yaml.safe_dump(tree))
    with contextlib.suppress(ConfigError):
        assert config.load(file, {}).upstream


def test_the_upstream_is_taken_apart():
    def parts(upstream):
        made = config.load(None, {}, upstream=upstream).upstream_settings()
        return made.scheme, made.host, made.port, made.base_path

    assert parts("https://api.example.com/openai/") == ("https", "api.example.com", 443, "/openai")
    assert parts("http://[::1]:8000") == ("http", "::1", 8000, "")
    assert parts("unix:/run/model.sock") == ("unix", "/run/model.sock", 0, "")


def test_settings_of_a_worker_survive_the_way_through_json():
    made = config.load(None, {}, upstream="http://x").gateway_settings(())
    assert type(made).from_json(made.to_json()) == made
