"""The keyed hash is HMAC-SHA256, whatever the key's length."""

import hmac

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.keyed_hash import HASH_BYTES, KeyedHash


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.lists(st.binary(max_size=200), max_size=5))
def test_it_is_hmac_sha256_of_the_inputs_with_their_lengths(key, inputs):
    message = b"".join(len(item).to_bytes(8, "big") + item for item in inputs)
    keyed = KeyedHash(key)
    assert keyed.of(*inputs) == hmac.digest(key, message, "sha256")[:HASH_BYTES]
    assert keyed.of(*inputs) == keyed.of(*inputs), "a hash leaves no trace in the key's state"


def test_no_two_lists_of_inputs_are_the_same_bytes():
    keyed = KeyedHash(b"k")
    lists = [(b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b""), (b"", b"abc")]
    assert len({keyed.of(*inputs) for inputs in lists}) == len(lists)
