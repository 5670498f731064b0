"""Shows the main job: a photograph is put into a bucket, and a function makes a thumbnail of it."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config

REPOSITORY = Path(__file__).resolve().parents[1]
PHOTOGRAPH = REPOSITORY / "sample_functions/photos/china.jpg"
THUMBNAIL = REPOSITORY / "out/thumbnail.jpg"
BY_HAND = """
Now by hand: `make start` in one terminal, and in another
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  .venv/bin/aws s3 cp sample_functions/photos/china.jpg s3://photos/
  .venv/bin/aws s3 cp s3://thumbnails/china.jpg out/
  .venv/bin/aws lambda invoke --function-name hello --payload file://events/hello.json out/hello
  .venv/bin/lambda-emulator logs resize
  .venv/bin/lambda-emulator invoke resize --event events/s3-put.json
Then change sample_functions/hello/app.py, save it, and invoke it again."""


def main() -> int:
    """Run the demo; the exit code of a shell."""
    began = time.monotonic()
    with running_emulator() as endpoint:
        print(f"The emulator answers on {endpoint} after {_ms(began)}")
        s3 = make_client(endpoint)
        make_thumbnail(s3, endpoint)
        make_thumbnail(s3, endpoint)
        print(f"Saved as {THUMBNAIL.relative_to(REPOSITORY)}")
        show_log(endpoint)
    print("The emulator has stopped.")
    print(BY_HAND)
    return 0


@contextmanager
def running_emulator() -> Iterator[str]:
    """Start the emulator with this repository's functions on a free port; stop it at the end."""
    command = [sys.executable, "-m", "emulator", "start", "--port", "0", "--no-watch"]
    process = subprocess.Popen(
        [*command, str(REPOSITORY)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        yield _endpoint(process.stderr)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _endpoint(output: IO[str]) -> str:
    """Read up to the line that says where the emulator answers; a thread reads the rest."""
    said = []
    for line in output:
        if line.startswith("Ready on "):
            threading.Thread(target=output.read, name="emulator-stderr").start()
            return line.removeprefix("Ready on ").strip()
        said.append(line)
    sys.exit(f"error: the emulator did not start:\n{''.join(said)}")


def make_client(endpoint: str) -> Any:
    """Make a client of S3; without a retry, so that nothing wrong goes unseen."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def make_thumbnail(s3: Any, endpoint: str) -> None:
    """Put the photograph into one bucket, and save what the function put into the other."""
    began = time.monotonic()
    s3.put_object(Bucket="photos", Key=PHOTOGRAPH.name, Body=PHOTOGRAPH.read_bytes())
    print(f"Put s3://photos/{PHOTOGRAPH.name} ({_kb(PHOTOGRAPH)}) in {_ms(began)}", end="; ")
    began = time.monotonic()
    _ask("POST", f"{endpoint}/_emulator/settle?timeout=30")
    answer = s3.get_object(Bucket="thumbnails", Key=PHOTOGRAPH.name)
    THUMBNAIL.parent.mkdir(exist_ok=True)
    THUMBNAIL.write_bytes(answer["Body"].read())
    print(f"its thumbnail ({_kb(THUMBNAIL)}) was there {_ms(began)} later")


def show_log(endpoint: str) -> None:
    """Print what the function logged, both times."""
    print("\nThe function's log:")
    for invocation in reversed(_ask("GET", f"{endpoint}/_emulator/invocations?function=resize")):
        for line in invocation["log"].splitlines():
            print(f"  {line.expandtabs(1)}")


def _ask(method: str, url: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        return json.load(answer)


def _ms(began: float) -> str:
    return f"{(time.monotonic() - began) * 1000:.0f} ms"


def _kb(path: Path) -> str:
    return f"{path.stat().st_size / 1000:.1f} kB"


if __name__ == "__main__":
    sys.exit(main())
