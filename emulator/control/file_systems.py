"""FileSystemConfigs: access points that a function finds below /mnt."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.control.violations import invalid, not_implemented
from emulator.model import FileSystem


def read_file_systems(configs: Sequence[Mapping[str, Any]]) -> tuple[FileSystem, ...]:
    """What FileSystemConfigs ask for; raises LambdaError for what is no access point of EFS."""
    for config in configs:
        if config["Arn"].split(":")[2] == "s3files":
            what = f"The Amazon S3 Files access point {config['Arn']} in FileSystemConfigs"
            raise not_implemented(what, "Access points of Amazon EFS are.")
        if "S3FilesConfig" in config:
            raise invalid("S3FilesConfig is valid for Amazon S3 Files access points only.")
    return tuple(FileSystem(arn=each["Arn"], mount_path=each["LocalMountPath"]) for each in configs)


def file_systems_answer(found: Sequence[FileSystem]) -> list[dict[str, str]]:
    """FileSystemConfigs as the API shows them."""
    return [{"Arn": each.arn, "LocalMountPath": each.mount_path} for each in found]
