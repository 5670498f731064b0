from tests.running_emulator import REPOSITORY, RunningEmulator


def test_a_pushs_commits_are_written_down(emulator: RunningEmulator) -> None:
    push = {"event": {"DataType": "String", "StringValue": "push"}}
    emulator.client("sns").publish(
        TopicArn="arn:aws:sns:us-east-1:000000000000:commits",
        Message=(REPOSITORY / "sample_functions/sns_hook/push.json").read_text(),
        MessageAttributes=push,
    )
    emulator.settle()

    s3 = emulator.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="commits")["Contents"]]
    assert keys == ["shop/6dcb09b.txt", "shop/9fceb02.txt"]
    line = s3.get_object(Bucket="commits", Key="shop/9fceb02.txt")["Body"].read()
    assert line == b"Ada: Orders are sorted by date\n"


def test_what_is_no_push_starts_nothing(emulator: RunningEmulator) -> None:
    emulator.client("sns").publish(
        TopicArn="arn:aws:sns:us-east-1:000000000000:commits", Message="hello"
    )
    emulator.settle()
    assert emulator.invocations("sns_hook") == []
