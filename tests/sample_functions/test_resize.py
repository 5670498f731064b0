import io
import json
from typing import Any

import pytest
from PIL import Image

from tests.running_emulator import REPOSITORY, RunningEmulator

PHOTOGRAPH = (REPOSITORY / "sample_functions/photos/china.jpg").read_bytes()
ORIENTATION, DESCRIPTION = 0x0112, 0x010E
QUARTER_TURN = 6


@pytest.fixture
def s3(emulator: RunningEmulator) -> Any:
    return emulator.client("s3")


def fetch_thumbnail(s3: Any, key: str) -> Image.Image:
    answer = s3.get_object(Bucket="thumbnails", Key=key)
    assert answer["ContentType"] == "image/jpeg"
    image = Image.open(io.BytesIO(answer["Body"].read()))
    image.load()
    return image


def keys(s3: Any, bucket: str) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.mark.parametrize("key", ["china.jpg", "2026/a b+c@d=e/größe.jpg"])
def test_a_photograph_put_into_the_bucket_becomes_a_thumbnail(
    emulator: RunningEmulator, s3: Any, key: str
) -> None:
    s3.put_object(Bucket="photos", Key=key, Body=PHOTOGRAPH)
    emulator.settle()

    thumbnail = fetch_thumbnail(s3, key)

    assert (thumbnail.format, thumbnail.size) == ("JPEG", (200, 133))


def test_the_thumbnail_is_upright_and_tells_nothing_about_the_photograph(
    emulator: RunningEmulator, s3: Any
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[DESCRIPTION] = QUARTER_TURN, "where I live"
    photograph = io.BytesIO()
    Image.open(io.BytesIO(PHOTOGRAPH)).save(photograph, "JPEG", exif=exif, comment=b"me")

    s3.put_object(Bucket="photos", Key="turned.jpg", Body=photograph.getvalue())
    emulator.settle()

    thumbnail = fetch_thumbnail(s3, "turned.jpg")
    assert thumbnail.size == (200, 300)
    assert dict(thumbnail.getexif()) == {}
    assert "comment" not in thumbnail.info


@pytest.mark.parametrize("content", [b"", b"not an image", PHOTOGRAPH[:5000]])
def test_what_is_no_image_is_refused_once_with_a_line_in_the_log(
    emulator: RunningEmulator, s3: Any, content: bytes
) -> None:
    s3.put_object(Bucket="photos", Key="text.jpg", Body=content)
    emulator.settle()

    [invocation] = emulator.invocations("resize")
    assert invocation["status"] == "success"
    assert invocation["log"].count("refused s3://photos/text.jpg") == 1
    assert keys(s3, "thumbnails") == []


def test_a_thumbnail_is_not_made_into_another_one(emulator: RunningEmulator, s3: Any) -> None:
    s3.put_object(Bucket="thumbnails", Key="china.jpg", Body=PHOTOGRAPH)
    event = json.loads((REPOSITORY / "events/s3-put.json").read_text())
    event["Records"][0]["s3"]["bucket"]["name"] = "thumbnails"

    answer = emulator.client("lambda").invoke(FunctionName="resize", Payload=json.dumps(event))

    assert json.load(answer["Payload"]) == {"thumbnails": []}
    assert s3.get_object(Bucket="thumbnails", Key="china.jpg")["ContentLength"] == len(PHOTOGRAPH)


def test_the_event_file_names_the_photograph(emulator: RunningEmulator, s3: Any) -> None:
    s3.put_object(Bucket="photos", Key="china.jpg", Body=PHOTOGRAPH)
    emulator.settle()
    s3.delete_object(Bucket="thumbnails", Key="china.jpg")

    event = (REPOSITORY / "events/s3-put.json").read_bytes()
    emulator.client("lambda").invoke(FunctionName="resize", Payload=event)

    assert keys(s3, "thumbnails") == ["china.jpg"]
