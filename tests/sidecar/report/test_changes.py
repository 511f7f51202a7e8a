"""Changes of the model in a report: each once, however often it showed itself."""

from sidecar.report.changes import changes
from sidecar.report.history import Entry, History


def told(*records):
    entries = [Entry(seq, 100.0 + seq, "variant", data) for seq, data in records]
    return [(one.at_s, one.seq, one.data["fingerprint"]) for one in changes(History(0.0, 1e9, entries=entries))]


def variant(fingerprint, *signs, generation=0, **more):
    return {"kind": "declared", "model": "m", "fingerprint": fingerprint, "generation": generation, "signs": [*signs], **more}  # fmt: skip


def test_a_further_sign_is_no_further_change():
    assert told((1, variant("x", "reply")), (4, variant("x", "reply", "listing"))) == [(101.0, 1, "x")]


def test_a_further_sign_that_names_another_variant_moves_where_its_probes_begin():
    assert told((1, variant("", "listing", generation=1)), (4, variant("y", "listing", "reply"))) == [(101.0, 4, "y")]


def test_changes_of_one_sign_and_records_of_before_there_were_signs_are_changes_each():
    older = {key: value for key, value in variant("z").items() if key != "signs"}
    assert told((1, variant("x", "reply")), (2, variant("y", "reply")), (3, older)) == [(101.0, 1, "x"), (102.0, 2, "y"), (103.0, 3, "z")]  # fmt: skip
    assert told((5, variant("x", "reply", "listing"))) == [(105.0, 5, "x")]  # its first sign was before the period
