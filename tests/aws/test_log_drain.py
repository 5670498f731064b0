"""What functions logged is in CloudWatch Logs when somebody asks."""

from tests.aws.conftest import Aws, Client


def test_function_logs_appear_in_cloudwatch_logs(aws: Aws, client: Client) -> None:
    group, stream_name = "/aws/lambda/hello", "2026/11/22/[$LATEST]abc"
    stream = aws.log_book.log_stream(group, stream_name, "000000000000", "us-east-1")
    now_ms = int(aws.clock.now() * 1000)
    stream.write("START", now_ms)
    stream.write("hello", now_ms + 5)
    logs = client("logs")
    assert logs.describe_log_groups()["logGroups"][0]["logGroupName"] == group
    stream.write("END", now_ms + 9)
    page = logs.get_log_events(logGroupName=group, logStreamName=stream_name, startFromHead=True)
    assert [event["message"] for event in page["events"]] == ["START", "hello", "END"]
    assert [event["timestamp"] - now_ms for event in page["events"]] == [0, 5, 9]
    found = logs.filter_log_events(logGroupName=group, filterPattern="hello")["events"]
    assert [event["message"] for event in found] == ["hello"]
    [described] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert described["lastEventTimestamp"] == now_ms + 9
    assert described["storedBytes"] == 13


def test_logs_of_other_accounts_stay_there(aws: Aws, client: Client) -> None:
    aws.log_book.log_stream("/aws/lambda/x", "s", "111111111111", "eu-west-1").write("line")
    assert client("logs").describe_log_groups()["logGroups"] == []
    theirs = client("logs", key="111111111111", region="eu-west-1")
    assert len(theirs.describe_log_groups()["logGroups"]) == 1
