"""TagResource, UntagResource and ListTags."""

from emulator.control.request import Request, RequestContext, Response
from emulator.control.tags import Tags
from emulator.control.violations import invalid


class TagOperations:
    """Operations on the tags of a resource, whatever it is. Any thread may call."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags

    def list_tags(self, context: RequestContext, request: Request) -> Response:
        """All tags of a resource."""
        found = self._tags.of(context.account, context.region, request["Resource"])
        return {"Tags": dict(found)}

    def tag_resource(self, context: RequestContext, request: Request) -> Response:
        """Add tags, or change their values."""
        if not request["Tags"]:
            raise invalid("An error occurred and the request cannot be processed.")
        self._tags.add(context.account, context.region, request["Resource"], request["Tags"])
        return {}

    def untag_resource(self, context: RequestContext, request: Request) -> Response:
        """Remove tags; those that are not there are no error."""
        self._tags.remove(context.account, context.region, request["Resource"], request["TagKeys"])
        return {}
