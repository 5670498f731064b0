"""Request ids and trace headers."""

import re
import uuid

import pytest

from emulator.invoke.identity import decides_sampling, new_request_id, trace_header

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"


def test_request_ids_are_distinct_lower_case_uuids_of_version_4() -> None:
    ids = {new_request_id() for _ in range(2_000)}
    assert len(ids) == 2_000
    for text in ids:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)


def test_without_a_callers_header_a_trace_begins_now() -> None:
    header = trace_header(None, 0x5759E988)
    assert re.fullmatch(r"Root=1-5759e988-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", header), (
        header
    )


@pytest.mark.parametrize(
    ("callers", "expected"),
    [
        (f"Root={ROOT};Parent={PARENT};Sampled=1", f"Root={ROOT};Parent={PARENT};Sampled=1"),
        (f"Root={ROOT}; Parent={PARENT}", f"Root={ROOT};Parent={PARENT};Sampled=0"),
        (f"root={ROOT};parent={PARENT};sampled=1", f"Root={ROOT};Parent={PARENT};Sampled=1"),
        (f"Root={ROOT}", f"Root={ROOT};Parent=[0-9a-f]{{16}};Sampled=0"),
        (
            f"Root={ROOT};Parent={PARENT};Sampled=0;Lineage=a87bd80c:1",
            f"Root={ROOT};Parent={PARENT};Sampled=0;Lineage=a87bd80c:1",
        ),
        (
            f"Root=1-bad;Parent={PARENT};Sampled=1",
            r"Root=1-00000001-[0-9a-f]{24};Parent=(?!53995c3f)[0-9a-f]{16};Sampled=1",
        ),
        (
            f"Root={ROOT};Parent=53%00;Sampled=1;Self=a%0d%0aX-Header: 1;Other=%e2%82%ac;B=%7c",
            f"Root={ROOT};Parent=(?!53)[0-9a-f]{{16}};Sampled=1;B=[|]",
        ),
        ("nonsense", r"Root=1-00000001-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0"),
        ("", r"Root=1-00000001-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0"),
    ],
)
def test_a_callers_header_is_taken_over_as_far_as_it_is_valid(callers: str, expected: str) -> None:
    assert re.fullmatch(expected, trace_header(callers, 1.0))


@pytest.mark.parametrize(
    ("callers", "decides"),
    [
        (None, False),
        ("", False),
        ("Root=1-5759e988-bd862e3fe1be46a994272793", False),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", True),
        ("root=1-5759e988-bd862e3fe1be46a994272793;sampled=1", True),
    ],
)
def test_a_header_decides_on_sampling_when_it_says_so(callers: str | None, decides: bool) -> None:
    assert decides_sampling(callers) is decides
