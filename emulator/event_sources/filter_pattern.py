"""FilterCriteria: which records of a queue or a stream a function gets to see.

Source: spec/event-source-mappings.md section 6.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from emulator.model.event_pattern import matches, parse_pattern


class Filters:
    """The filters of one mapping, parsed once; any of them lets a record through.

    data_key: the member that holds the producer's data as text ("body", "data"); None: the
    record is JSON all through.
    """

    def __init__(self, patterns: Sequence[str], data_key: str | None) -> None:
        self._patterns = [_loads_whole(json.dumps(parse_pattern(each))) for each in patterns]
        self._data_key = data_key

    def let_through(self, record: Mapping[str, Any]) -> bool:
        """Whether a function gets a record. Its data, if it has any, is text and not base64."""
        if not self._patterns:
            return True
        if self._data_key is None:
            return any(matches(pattern, record) for pattern in self._patterns)
        data = _structured(record.get(self._data_key))
        view = {**record, self._data_key: data}
        return any(self._fits(pattern, view, data) for pattern in self._patterns)

    def _fits(self, pattern: Mapping[str, Any], view: Mapping[str, Any], data: object) -> bool:
        wanted = pattern.get(self._data_key or "")
        # A pattern for JSON drops plain text, and one for plain text drops JSON.
        is_mismatch = wanted is not None and isinstance(wanted, dict) != isinstance(
            data, dict | list
        )
        return not is_mismatch and matches(pattern, view)


def kinesis_view(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a Kinesis event as filters see it: its own members at the top, data decoded."""
    own = record["kinesis"]
    data = base64.b64decode(own["data"]).decode(errors="replace")
    return {**record, **own, "data": data}


def _structured(text: object) -> object:
    """The JSON object or array that a text is; else the text."""
    if isinstance(text, str) and text.lstrip()[:1] in ("{", "["):
        try:
            return _loads_whole(text)
        except (ValueError, RecursionError):
            return text
    return text


def _loads_whole(text: str) -> Any:
    """JSON in which 300 and 300.0 are the same number, as they are to Lambda."""
    return json.loads(text, parse_float=_number)


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number
