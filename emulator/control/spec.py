"""What a function is configured to be, before it has code, a version or a state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from emulator.control.capacity import CapacityUse, Scaling
from emulator.control.vpc import VpcAttachment
from emulator.model import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    LATEST,
    MANAGED,
    ON_DEMAND,
    TEXT_LOG,
    CodePackage,
    DurableConfig,
    FileSystem,
    FunctionVersion,
    ImageConfig,
    function_arn,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeObject:
    """The object in S3 that a function's code refers to."""

    bucket: str
    key: str
    version_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeManagement:
    """When Lambda updates a function's runtime; ours never changes while the emulator runs."""

    update_on: str = "Auto"  # or FunctionUpdate, Manual
    version_arn: str | None = None  # with Manual only


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSpec:
    """The settings of a function; its defaults are Lambda's."""

    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
    name: str
    runtime: str
    handler: str
    role: str
    description: str = ""
    timeout_s: int = 3
    memory_mib: int = 128
    ephemeral_storage_mib: int = 512
    environment: Mapping[str, str] | None = None  # None: never given, and so never shown
    architecture: str = "x86_64"
    snap_start: bool = False  # ApplyOn=PublishedVersions
    log_group: str = ""  # "" means /aws/lambda/NAME
    log_format: str = TEXT_LOG  # or JSON_LOG
    application_log_level: str = ""  # "": never given, which means INFO with JSON
    system_log_level: str = ""  # the same
    dead_letter_arn: str | None = None  # of a queue or a topic
    layers: tuple[str, ...] = ()  # ARNs of layer versions; a later one overwrites an earlier
    durable: DurableConfig | None = None  # None: the function is not durable
    is_image: bool = False  # PackageType
    image_config: ImageConfig | None = None  # None: never given
    vpc: VpcAttachment | None = None  # None: never given, and so never shown
    kms_key_arn: str = ""
    source_kms_key_arn: str = ""
    code_object: CodeObject | None = None  # S3ObjectStorageMode REFERENCE
    file_systems: tuple[FileSystem, ...] = ()
    is_traced: bool = False  # TracingConfig Active
    isolates_tenants: bool = False  # TenancyConfig PER_TENANT
    accelerator_memory_gb: int | None = None
    capacity: CapacityUse | None = None  # the managed instances that it runs on
    scaling: Scaling | None = field(default=None, compare=False)  # of this version, on them
    runtime_management: RuntimeManagement = field(default=RuntimeManagement(), compare=False)
    sandbox: str = ""  # what runs it: "process" or "docker"; "" means the emulator's default

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return function_arn(self.account, self.region, self.name)

    def with_code(
        self,
        code: CodePackage,
        layers: Sequence[CodePackage] = (),
        *,
        deployment: int,
        version: str = LATEST,
    ) -> FunctionVersion:
        """Join settings, code and the content of `layers` to what a sandbox can run."""
        return FunctionVersion(
            account=self.account,
            region=self.region,
            name=self.name,
            version=version,
            deployment=deployment,
            runtime=self.runtime or None,
            handler=self.handler,
            role=self.role,
            code=code,
            layers=tuple(layers),
            timeout_s=self.timeout_s,
            memory_mib=self.memory_mib,
            ephemeral_storage_mib=self.ephemeral_storage_mib,
            environment=dict(self.environment or {}),
            architecture=self.architecture,
            snap_start=self.snap_start and version != LATEST,
            log_group=self.log_group,
            log_format=self.log_format,
            application_log_level=self.application_log_level,
            system_log_level=self.system_log_level,
            dead_letter_arn=self.dead_letter_arn,
            durable=self.durable,
            image_config=self.image_config,
            file_systems=self.file_systems,
            is_traced=self.is_traced,
            initialization_type=ON_DEMAND if self.capacity is None else MANAGED,
            isolates_tenants=self.isolates_tenants,
            sandbox=self.sandbox,
        )
