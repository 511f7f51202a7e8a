"""Every code rule has snippets it must find and snippets it must leave alone. None is ever run."""

import contextlib
import sys
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.canary.code_rules import RULES, weaknesses
from sidecar.canary.code_tree import MAX_CHARACTERS, NotPythonError

VULNERABLE = {
    "CWE-22": [
        "import os\ndef f(base, name):\n    return open(os.path.join(base, name)).read()",
        "from pathlib import Path\ndef f(base, name):\n    return (Path(base) / name).read_bytes()",
        "def f(name):\n    path = f'/srv/{name}'\n    with open(path, 'rb') as h:\n        return h.read()",
        "from flask import request, send_file\ndef f():\n    return send_file('/srv/' + request.args['name'])",
    ],
    "CWE-78": [
        "import os\ndef f(host):\n    os.system('ping ' + host)",
        "import subprocess\ndef f(host):\n    return subprocess.check_output(f'ping {host}', shell=True)",
        "from subprocess import run as go\ndef f(c):\n    go(c, shell=True)",
        "import os as o\ndef f(h):\n    return o.popen('dig {}'.format(h)).read()",
    ],
    "CWE-89": [
        "def f(c, n):\n    c.execute(f\"SELECT * FROM t WHERE n = '{n}'\")",
        "def f(c, n):\n    c.execute('DELETE FROM t WHERE n = ' + n)",
        "def f(c, n):\n    q = 'select * from t where n = %s' % n\n    c.execute(q)",
        "def f(c, n):\n    c.executescript('INSERT INTO t VALUES ({})'.format(n))",
    ],
    "CWE-94": ["def f(e):\n    return eval(e)", "def f(s):\n    exec(s)"],
    "CWE-295": [
        "import requests\ndef f(u):\n    return requests.get(u, verify=False)",
        "import ssl\nc = ssl._create_unverified_context()",
        "import ssl\nc = ssl.create_default_context()\nc.check_hostname = False",
        "import ssl\nc = ssl.create_default_context()\nc.verify_mode = ssl.CERT_NONE",
    ],
    "CWE-327": [
        "from Crypto.Cipher import AES\ndef f(k):\n    return AES.new(k, AES.MODE_ECB)",
        "from Crypto.Cipher import DES\ndef f(k):\n    return DES.new(k, 1)",
        "import hashlib\ndef f(password):\n    return hashlib.sha1(password.encode()).hexdigest()",
    ],
    "CWE-328": [
        "import hashlib\ndef f(password):\n    return hashlib.md5(password.encode()).hexdigest()",
        "from hashlib import new\ndef store_passwd(p):\n    return new('sha1', p).digest()",
    ],
    "CWE-330": ["import random\ndef make_token():\n    return ''.join(random.choice('abc') for _ in range(9))"],
    "CWE-338": [
        "import random\ntoken = random.getrandbits(128)",
        "from random import choices\ndef reset_code():\n    return choices('abc', k=9)",
    ],
    "CWE-377": [
        "import tempfile\ndef f():\n    return tempfile.mktemp()",
        "def f(d):\n    with open('/tmp/out.txt', 'w') as h:\n        h.write(d)",
    ],
    "CWE-502": [
        "import pickle\ndef f(b):\n    return pickle.loads(b)",
        "import yaml\ndef f(t):\n    return yaml.load(t)",
        "import yaml\ndef f(t):\n    return yaml.load(t, Loader=yaml.FullLoader)",
        "import yaml\ndef f(t):\n    return yaml.unsafe_load(t)",
    ],
    "CWE-798": [
        "DB_PASSWORD = 'hunter2!x'",
        "api_key: str = 'sk-91827364'",
        "def f(connect):\n    return connect(user='a', password='s3cr3tvalue')",
    ],
}
SAFE = {
    "CWE-22": [
        "import os\ndef f(base, name):\n    path = os.path.realpath(os.path.join(base, name))\n    return open(path).read()",
        "def f():\n    return open('/etc/hosts').read()",
        "def f(path):\n    return open(path).read()",
        "from pathlib import Path\ndef f(base, name):\n    return (Path(base) / Path(name).name).read_bytes()",
    ],
    "CWE-78": [
        "import subprocess\ndef f(host):\n    return subprocess.run(['ping', host], check=True)",
        "import os\nCOMMAND = 'ls -l'\nos.system(COMMAND)",
        "import subprocess\nsubprocess.run('date', shell=True)",
    ],
    "CWE-89": [
        "def f(c, n):\n    c.execute('SELECT * FROM t WHERE n = ?', (n,))",
        "def f(c, n):\n    q = 'SELECT * FROM t' + ' WHERE n = %s'\n    c.execute(q, [n])",
        "def f(task, n):\n    task.execute(f'step {n}')",
    ],
    "CWE-94": [
        "import ast\ndef f(e):\n    return ast.literal_eval(e)",
        "def f(model):\n    model.eval()",
        "eval('1 + 1')",
    ],
    "CWE-295": [
        "import requests\ndef f(u):\n    return requests.get(u, verify='/etc/ca.pem')",
        "import ssl\nc = ssl.create_default_context()",
    ],
    "CWE-327": ["from Crypto.Cipher import AES\ndef f(k):\n    return AES.new(k, AES.MODE_GCM)"],
    "CWE-328": [
        "import hashlib\ndef checksum(data):\n    return hashlib.md5(data).hexdigest()",
        "import hashlib, os\ndef f(password):\n    return hashlib.scrypt(password, salt=os.urandom(16), n=2**14, r=8, p=1)",
    ],
    "CWE-330": ["import secrets\ndef make_token():\n    return secrets.token_hex(16)"],
    "CWE-338": ["import random\ndef roll_dice():\n    return random.randint(1, 6)"],
    "CWE-377": [
        "import tempfile\ndef f(d):\n    with tempfile.NamedTemporaryFile(delete=False) as h:\n        h.write(d)"
    ],
    "CWE-502": [
        "import yaml\ndef f(t):\n    return yaml.safe_load(t)",
        "import yaml\ndef f(t):\n    return yaml.load(t, Loader=yaml.SafeLoader)",
        "import json\ndef f(b):\n    return json.loads(b)",
    ],
    "CWE-798": [
        "import os\nDB_PASSWORD = os.environ['DB_PASSWORD']",
        "password = ''",
        "password = 'your_password'",
        "token_type = 'bearer'",
    ],
}


def found(source, rule):
    return {weakness.cwe for weakness in weaknesses(source, (rule,))}


def test_every_rule_has_snippets_of_both_kinds():
    assert set(VULNERABLE) == set(SAFE) == set(RULES)


@pytest.mark.parametrize(("rule", "source"), [(rule, source) for rule, all_ in VULNERABLE.items() for source in all_])
def test_a_vulnerable_snippet_is_found(rule, source):
    assert found(source, rule) == {rule}


@pytest.mark.parametrize(("rule", "source"), [(rule, source) for rule, all_ in SAFE.items() for source in all_])
def test_a_safe_snippet_is_left_alone(rule, source):
    assert found(source, rule) == set()


def test_the_line_of_a_weakness_is_told():
    source = "import os\n\n\ndef f(name):\n    os.system(name)\n"
    assert [weakness.line for weakness in weaknesses(source)] == [5]


def test_code_that_is_read_is_never_run(tmp_path):
    mark = tmp_path / "ran"
    source = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n__import__('sys').kilter_ran = True\n"
    weaknesses(source)
    weaknesses(f"@(lambda f: pathlib.Path({str(mark)!r}).touch())\ndef g(): pass\n{source}")
    assert not mark.exists()
    assert not hasattr(sys, "kilter_ran")


@pytest.mark.parametrize(
    "text",
    [
        "def f(:",
        "Here is the code",
        "(" * 5000,
        "x = " + "-" * 40_000 + "1",
        "\0",
        "a" * (MAX_CHARACTERS + 1),
        "\ud800",
    ],
)
def test_what_does_not_parse_is_said_so(text):
    with pytest.raises(NotPythonError):
        weaknesses(text)


def test_a_bad_escape_in_somebody_elses_code_warns_nobody():
    assert weaknesses("x = '\\d'") == ()


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("abx=()[]{}:.,'\"\n #@\\%f10+"), max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(NotPythonError):
        weaknesses(textwrap.dedent(text))
