import io
import json
import zipfile

from tests.running_emulator import REPOSITORY, RunningEmulator

FOLDER = REPOSITORY / "sample_functions/native"
EVENT = (REPOSITORY / "events/native.json").read_bytes()
COUNTED = {"lines": 2, "words": 6, "bytes": 19}


def test_an_executable_in_the_functions_folder_runs(emulator: RunningEmulator) -> None:
    answer = emulator.client("lambda").invoke(FunctionName="native", Payload=EVENT)

    assert json.load(answer["Payload"]) == COUNTED


def test_an_executable_keeps_its_mode_bits_through_an_uploaded_zip(
    emulator: RunningEmulator,
) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for name in ("app.py", "count"):
            archive.write(FOLDER / name, name)  # with the file's mode
    functions = emulator.client("lambda")

    functions.create_function(
        FunctionName="uploaded",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/lambda",
        Code={"ZipFile": package.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="uploaded")
    answer = functions.invoke(FunctionName="uploaded", Payload=EVENT)

    assert json.load(answer["Payload"]) == COUNTED
