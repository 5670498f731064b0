"""Where the APIs of a stack answer."""

from typing import Any

from emulator.aws.stacks.api_addresses import api_addresses


def stage(version: str, property_name: str, api: str) -> dict[str, Any]:
    return {"Type": f"AWS::ApiGateway{version}::Stage", "Properties": {property_name: {"Ref": api}}}


def test_each_api_has_the_address_of_its_stage() -> None:
    document = {
        "Resources": {
            "Rest": {"Type": "AWS::ApiGateway::RestApi"},
            "RestProd": stage("", "RestApiId", "Rest"),
            "RestTest": stage("", "RestApiId", "Rest"),
            "Http": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP"}},
            "HttpDefault": stage("V2", "ApiId", "Http"),
            "Chat": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET"}},
            "ChatProd": stage("V2", "ApiId", "Chat"),
            "NotMade": stage("V2", "ApiId", "Chat"),
            "Queue": {"Type": "AWS::SQS::Queue"},
        }
    }
    ids = {"Rest": "r", "RestProd": "Prod", "RestTest": "test", "Http": "h"}
    ids |= {"HttpDefault": "$default", "Chat": "c", "ChatProd": "prod"}
    found = api_addresses(document, ids, lambda api, protocol: f"{protocol.lower()}://{api}")
    assert found == {
        "Rest Prod": "http://r/Prod",
        "Rest test": "http://r/test",
        "Http": "http://h",
        "Chat": "websocket://c/prod",
    }
