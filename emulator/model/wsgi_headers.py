"""The headers of a request, as a WSGI environ holds them."""

from wsgiref.types import WSGIEnvironment


def headers_of(environ: WSGIEnvironment) -> dict[str, str]:
    """Every header by its name in lower case."""
    headers = {
        key[5:].replace("_", "-").lower(): text
        for key, text in environ.items()
        if key.startswith("HTTP_")
    }
    for name, key in (("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH")):
        if environ.get(key):
            headers[name] = environ[key]
    return headers
