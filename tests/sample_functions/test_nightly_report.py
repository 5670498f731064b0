import json

from tests.running_emulator import RunningEmulator


def test_a_night_later_there_is_a_report(emulator: RunningEmulator) -> None:
    s3 = emulator.client("s3")
    s3.put_object(Bucket="photos", Key="a.txt", Body=b"12345")
    s3.put_object(Bucket="photos", Key="b.txt", Body=b"678")
    emulator.advance(86_400)
    emulator.settle()
    [found] = s3.list_objects_v2(Bucket="reports")["Contents"]
    report = json.loads(s3.get_object(Bucket="reports", Key=found["Key"])["Body"].read())
    assert report == {"day": found["Key"].removesuffix(".json"), "objects": 2, "bytes": 8}
    [invocation] = emulator.invocations("nightly_report")
    assert invocation["source"] == "scheduler"
