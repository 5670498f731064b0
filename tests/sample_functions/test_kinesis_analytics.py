import json

from tests.running_emulator import RunningEmulator


def test_clicks_are_counted_by_page_and_minute(emulator: RunningEmulator) -> None:
    clicks = [{"page": "/", "user": n} for n in range(30)] + [{"page": "/cart", "user": 1}]
    records = [
        {"PartitionKey": str(click["user"]), "Data": json.dumps(click).encode()} for click in clicks
    ]
    emulator.client("kinesis").put_records(StreamName="clicks", Records=records)
    emulator.settle()

    rows = emulator.client("dynamodb").scan(TableName="clicks-per-minute")["Items"]
    counted: dict[str, int] = {}
    for row in rows:
        page = row["page"]["S"]
        counted[page] = counted.get(page, 0) + int(row["clicks"]["N"])
    assert counted == {"/": 30, "/cart": 1}
