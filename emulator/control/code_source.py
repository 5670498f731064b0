"""From what a request says about code to a package."""

from pathlib import Path

from emulator.control import archive
from emulator.control.code import CodeStore
from emulator.control.request import FetchObject, Request, RequestContext
from emulator.control.spec import CodeObject
from emulator.control.violations import invalid
from emulator.model import AwsError, CodePackage
from emulator.model.hot_reload import ARCHIVES, HOT_RELOAD_BUCKET


def code_object(members: Request) -> CodeObject | None:
    """What code by S3ObjectStorageMode REFERENCE refers to; None: it is copied."""
    if members.get("S3ObjectStorageMode", "COPY") == "COPY":
        return None
    bucket, key = members.get("S3Bucket"), members.get("S3Key")
    if not (bucket and key):
        raise invalid("S3ObjectStorageMode REFERENCE needs S3Bucket and S3Key.")
    return CodeObject(bucket=bucket, key=key, version_id=members.get("S3ObjectVersion"))


def code_object_answer(code: CodeObject) -> dict[str, str]:
    """ResolvedS3Object of GetFunction and of layer versions."""
    version = {} if code.version_id is None else {"S3ObjectVersion": code.version_id}
    return {"S3Bucket": code.bucket, "S3Key": code.key, **version}


class CodeSource:
    """Reads the code members of CreateFunction and UpdateFunctionCode. Any thread may call."""

    def __init__(self, code: CodeStore, fetch_object: FetchObject) -> None:
        self._code = code
        self._fetch_object = fetch_object

    def package(
        self, context: RequestContext, members: Request, *, is_image: bool = False
    ) -> CodePackage:
        """The code that ZipFile, S3Bucket and S3Key, or ImageUri stand for; raises LambdaError."""
        if is_image:
            return self._image(members)
        content = members.get("ZipFile")
        bucket, key = members.get("S3Bucket"), members.get("S3Key")
        if content is not None:
            if bucket or key:
                raise invalid(
                    "Please do not provide other FunctionCode parameters when providing a ZipFile."
                )
            archive.check_size(content)
            return self._code.from_zip(content)
        if not (bucket and key):
            raise invalid("Please provide a source for function code.")
        if bucket == HOT_RELOAD_BUCKET:
            return self._live(key)
        return self._code.from_zip(self._fetch(context, bucket, key, members))

    def _image(self, members: Request) -> CodePackage:
        if not (name := members.get("ImageUri")):
            raise invalid("Please provide a source for function code.")
        return self._code.from_image(name)

    def _live(self, key: str) -> CodePackage:
        path = Path(key)
        if not path.is_absolute():
            raise invalid(
                f"With S3Bucket={HOT_RELOAD_BUCKET}, S3Key must be the absolute path of a folder,"
                f" not {key}."
            )
        if path.suffix in ARCHIVES and path.is_file():
            return self._code.from_zip(path.read_bytes())
        return self._code.from_folder(path, live=True)

    def _fetch(self, context: RequestContext, bucket: str, key: str, members: Request) -> bytes:
        version_id = members.get("S3ObjectVersion")
        try:
            return self._fetch_object(context.account, context.region, bucket, key, version_id)
        except AwsError as error:
            raise invalid(
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message:"
                f" {error.message}"
            ) from error
