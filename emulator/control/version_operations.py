"""PublishVersion and ListVersionsByFunction."""

from typing import Final

from emulator.control import answers
from emulator.control.paging import page
from emulator.control.publication import Publication, publication
from emulator.control.request import (
    Request,
    RequestContext,
    Response,
    addressed_unqualified,
)
from emulator.control.store import FunctionStore

PAGE: Final = 50


class VersionOperations:
    """Operations on published versions. Any thread may call."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store

    def publish_version(self, context: RequestContext, request: Request) -> Response:
        """Make a version of `$LATEST`, unless nothing changed since the last one."""
        where = addressed_unqualified(self._store, context, request, "PublishVersion")
        made = self._store.publish(
            where,
            description=request.get("Description", ""),
            code_sha256=request.get("CodeSha256"),
            revision_id=request.get("RevisionId"),
            publication=publication(request) or Publication.NUMBERED,
        )
        return answers.changed(made)

    def list_versions_by_function(self, context: RequestContext, request: Request) -> Response:
        """One page of versions: `$LATEST` first, then ascending."""
        where = addressed_unqualified(self._store, context, request, "ListVersionsByFunction")
        versions = self._store.versions(where)
        shown, marker = page(request, versions, answers.list_key, PAGE)
        return {
            "Versions": [answers.listed(each, each.version.version) for each in shown],
            **marker,
        }
