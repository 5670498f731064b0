"""The server and the clients of the aws room's tests."""

from tests.aws.conftest import aws, client, running_aws, session

__all__ = ["aws", "client", "running_aws", "session"]
