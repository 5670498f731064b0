"""One deployed state of a function: everything a sandbox needs to run it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from emulator.model.arn import LATEST, function_arn
from emulator.model.code_signature import CodeSignature
from emulator.model.durable import DurableConfig
from emulator.model.invoke_config import NO_INVOKE_CONFIG, EventInvokeConfig

TEXT_LOG: Final = "Text"
JSON_LOG: Final = "JSON"
DEFAULT_LOG_LEVEL: Final = "INFO"
APPLICATION_LOG_LEVELS: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
ON_DEMAND: Final = "on-demand"
PROVISIONED: Final = "provisioned-concurrency"
MANAGED: Final = "lambda-managed-instances"
SNAP_START: Final = "snap-start"
SYSTEM_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARN")


@dataclass(frozen=True, kw_only=True, slots=True)
class CodePackage:
    """A folder with the function's files, ready to be shown as /var/task."""

    folder: Path
    sha256: str  # base64 of the SHA-256 of the zip, as `CodeSha256` has it
    size_bytes: int
    archive: Path | None = None  # the zip as uploaded; None for a folder that is the source
    is_live: bool = False  # the folder is the developer's own and is watched
    image: str | None = None  # name of a container image; the folder is empty then
    signature: CodeSignature | None = None  # None: nobody signed the zip


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageConfig:
    """What a function of a container image sets instead of the image; empty: the image's own."""

    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSystem:
    """An access point of a file system, and where a function finds it."""

    arn: str
    mount_path: str  # below /mnt


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionVersion:
    """An immutable snapshot of code and configuration.

    `deployment` is unique in the process and grows with every change of code or configuration:
    two snapshots with the same number may share execution environments, others never do.
    """

    account: str
    region: str
    name: str
    version: str = LATEST
    deployment: int
    runtime: str | None  # None for a container image
    handler: str
    role: str
    code: CodePackage
    timeout_s: int = 3
    memory_mib: int = 128
    ephemeral_storage_mib: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[CodePackage, ...] = ()
    architecture: str = "x86_64"
    log_group: str = ""  # "" means /aws/lambda/NAME
    log_format: str = TEXT_LOG  # or JSON_LOG
    application_log_level: str = ""  # "" means INFO; a text log has no levels
    system_log_level: str = ""  # the same
    dead_letter_arn: str | None = None  # of a queue or a topic
    initialization_type: str = ON_DEMAND  # of the environments, in Lambda's word
    snap_start: bool = False  # its environments come from a snapshot, where one can be taken
    durable: DurableConfig | None = None  # None: the function is not durable
    image_config: ImageConfig | None = None  # None: never given
    file_systems: tuple[FileSystem, ...] = ()
    is_traced: bool = False  # X-Ray samples its requests
    isolates_tenants: bool = False  # an environment serves one tenant only
    sandbox: str = ""  # "process" or "docker"; "" means the emulator's default

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return function_arn(self.account, self.region, self.name)

    @property
    def qualified_arn(self) -> str:
        """The ARN with the version behind it."""
        return function_arn(self.account, self.region, self.name, self.version)

    @property
    def log_group_name(self) -> str:
        """The CloudWatch log group its output goes to."""
        return self.log_group or f"/aws/lambda/{self.name}"

    @property
    def logs_json(self) -> bool:
        """True when runtime and platform log JSON objects, and so have levels."""
        return self.log_format == JSON_LOG


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedFunction:
    """What an invocation of a name leads to."""

    version: FunctionVersion
    invoked_arn: str  # repeats the qualifier the caller gave, and none when none was given
    is_active: bool = True  # False while the function is Pending, or has failed
    has_failed: bool = False
    waits_for_snapshot: bool = False  # Pending for SnapStart
    invoke_config: EventInvokeConfig = NO_INVOKE_CONFIG  # of the qualifier that was asked for
    reserved_concurrency: int | None = None  # of the function; None: it has its account's
    account_reserved: int = 0  # concurrency that functions of its account reserve or provision
    provisioned: int = 0  # concurrency of this version that is its own
    function_provisioned: int = 0  # the same of all versions of the function
    may_recurse: bool = False  # RecursiveLoop=Allow
