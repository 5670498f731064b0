"""GetAccountSettings."""

from collections.abc import Callable
from typing import Any

from tests.api.lab import Lab, archive

Create = Callable[..., Any]


def test_an_account_that_has_nothing_may_use_all_of_it(client: Any) -> None:
    settings = client.get_account_settings()
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 300 * 1024**3,
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": 1_000,
        "UnreservedConcurrentExecutions": 1_000,
    }
    assert settings["AccountUsage"] == {"TotalCodeSize": 0, "FunctionCount": 0}


def test_each_version_of_functions_and_layers_counts(create: Create, client: Any) -> None:
    size = create(Publish=True)["CodeSize"]
    create("other")
    layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": archive(lib="x = 1")})
    usage = {"TotalCodeSize": 3 * size + layer["Content"]["CodeSize"], "FunctionCount": 2}
    assert client.get_account_settings()["AccountUsage"] == usage
    client.delete_function(FunctionName="hello")
    client.delete_layer_version(LayerName="l", VersionNumber=1)
    usage = {"TotalCodeSize": size, "FunctionCount": 1}
    assert client.get_account_settings()["AccountUsage"] == usage


def test_what_is_reserved_or_provisioned_is_not_left_for_others(
    create: Create, client: Any
) -> None:
    def unreserved() -> int:
        limit: int = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
        return limit

    create(Publish=True)
    create("other", Publish=True)
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=50)
    assert unreserved() == 950
    for name in ("hello", "other"):  # what `hello` provisions, it has reserved before
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=20
        )
    assert unreserved() == 930
    client.delete_function(FunctionName="other")
    client.delete_function_concurrency(FunctionName="hello")
    assert unreserved() == 980


def test_other_regions_and_accounts_have_their_own(lab: Lab, create: Create) -> None:
    create()
    for other in (lab.client(region="eu-west-1"), lab.client(account="111111111111")):
        assert other.get_account_settings()["AccountUsage"]["FunctionCount"] == 0
