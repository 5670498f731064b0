import json

from tests.running_emulator import RunningEmulator


def test_every_change_of_an_item_is_written_down(emulator: RunningEmulator) -> None:
    accounts = emulator.client("dynamodb")
    ada = {"id": {"S": "ada"}, "balance": {"N": "10"}}
    accounts.put_item(TableName="accounts", Item=ada)
    accounts.put_item(TableName="accounts", Item=ada)  # changes nothing
    accounts.put_item(TableName="accounts", Item={**ada, "balance": {"N": "7"}})
    accounts.delete_item(TableName="accounts", Key={"id": {"S": "ada"}})
    emulator.settle()

    s3 = emulator.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="audit")["Contents"]]
    changes = [json.load(s3.get_object(Bucket="audit", Key=key)["Body"]) for key in keys]
    assert [change["change"] for change in changes] == ["INSERT", "MODIFY", "REMOVE"]
    assert changes[1]["before"]["balance"] == {"N": "10"}
    assert changes[1]["after"]["balance"] == {"N": "7"}
    assert changes[2]["after"] is None
