import io
import shutil

import pytest
from PIL import Image

from tests.running_emulator import REPOSITORY, RunningEmulator

PACKAGES = REPOSITORY / "sample_functions/resize_node/node_modules"
PHOTOGRAPH = (REPOSITORY / "sample_functions/photos/china.jpg").read_bytes()

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed"),
    pytest.mark.skipif(shutil.which("convert") is None, reason="ImageMagick is not installed"),
    pytest.mark.skipif(not PACKAGES.exists(), reason="npm has not installed its packages"),
]


def test_an_upload_is_downloaded_converted_and_uploaded_again(emulator: RunningEmulator) -> None:
    s3 = emulator.client("s3")

    s3.put_object(Bucket="uploads", Key="my picture.jpg", Body=PHOTOGRAPH)
    emulator.settle()

    [invocation] = emulator.invocations("resize_node")
    assert invocation["status"] == "success", invocation
    stored = s3.get_object(Bucket="uploads-resized", Key="my picture.jpg")["Body"].read()
    assert invocation["response"] == {
        "bucket": "uploads-resized",
        "key": "my picture.jpg",
        "size": len(stored),
    }
    image = Image.open(io.BytesIO(stored))
    assert (image.format, image.size) == ("JPEG", (200, 133))


def test_what_convert_refuses_becomes_the_error_of_context_done(emulator: RunningEmulator) -> None:
    emulator.client("s3").put_object(Bucket="uploads", Key="text.jpg", Body=b"not an image")
    emulator.settle()

    newest = emulator.invocations("resize_node")[0]
    assert newest["error"]["errorMessage"].startswith("convert exited with 1")
