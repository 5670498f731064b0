"""What the console's pages answer with."""

import json
from typing import Any

from flask import Response


def json_answer(document: Any, status: int = 200) -> Response:
    """A JSON document."""
    return Response(json.dumps(document), status, mimetype="application/json")
