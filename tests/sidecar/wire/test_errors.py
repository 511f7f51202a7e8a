"""Errors are named by the most specific word that they have."""

from __future__ import annotations

import pytest

from sidecar.wire.errors import error_type, is_guardrail_block, is_policy_block


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"error": {"code": "context_length_exceeded", "type": "invalid_request_error"}}, "context_length_exceeded"),
        ({"error": {"code": None, "type": "invalid_request_error"}}, "invalid_request_error"),
        ({"error": {"code": 400, "type": "BadRequestError"}}, "BadRequestError"),
        ({"error": {"code": "400", "type": "BadRequestError"}}, "BadRequestError"),
        ({"object": "error", "type": "BadRequest", "code": 400}, "BadRequest"),
        ({"type": "error", "error": {"type": "overloaded_error"}}, "overloaded_error"),
        ({"type": "error", "code": "server_error", "message": "x"}, "server_error"),
        ({"error": "model not found"}, "418"),
        ({"error": "x", "error_type": "overloaded"}, "overloaded"),
        ({"detail": [{"type": "missing"}]}, "418"),
        ({"error": {"code": ["x"], "type": {"y": 1}}}, "418"),
        ({}, "418"),
    ],
)
def test_the_error_is_named_by_its_code_else_its_type_else_the_status(document, name):
    assert error_type(document, 418) == name


def test_only_a_policy_code_is_a_policy_block():
    assert is_policy_block({"error": {"code": "content_filter"}})
    assert is_policy_block({"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}})
    assert not is_policy_block({"error": {"code": "context_length_exceeded", "message": "content_filter"}})
    assert not is_policy_block({"type": "error", "error": {"type": "invalid_request_error"}})
    assert not is_policy_block({})


def test_a_403_is_a_guardrail_only_where_the_request_ordered_one():
    assert is_guardrail_block({"guardrails": [{"x": 1}]}, 403)
    assert not is_guardrail_block({"guardrails": []}, 403)
    assert not is_guardrail_block({"guardrails": [{"x": 1}]}, 401)
