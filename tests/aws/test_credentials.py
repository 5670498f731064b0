from emulator.aws.credentials import Credentials

ROLE = "arn:aws:iam::111111111111:role/service/photographer"


def test_a_session_keeps_its_credentials() -> None:
    credentials = Credentials()
    first = credentials.issue("000000000000", ROLE, "resize")
    assert credentials.issue("000000000000", ROLE, "resize") == first
    assert credentials.issue("000000000000", ROLE, "other") != first


def test_role_credentials_look_like_those_of_aws() -> None:
    issued = Credentials().issue("000000000000", ROLE, "resize")
    assert issued.access_key.startswith("ASIA")
    assert len(issued.access_key) == 20
    assert len(issued.secret_key) == 40
    assert issued.arn == "arn:aws:sts::111111111111:assumed-role/photographer/resize"
    assert issued.user_id.startswith("AROA")
    assert issued.user_id.endswith(":resize")


def test_the_account_comes_from_the_key() -> None:
    credentials = Credentials()
    issued = credentials.issue("000000000000", ROLE, "resize")
    keys = ["222222222222", issued.access_key, "test", None]
    accounts = [credentials.account_of(key) for key in keys]
    assert accounts == ["222222222222", "111111111111", "000000000000", "000000000000"]


def test_principals_are_stable_and_name_the_session() -> None:
    credentials = Credentials()
    issued = credentials.issue("000000000000", ROLE, "resize")
    assert credentials.principal_of(issued.access_key) == f"AWS:{issued.user_id}"
    assert credentials.principal_of("test") == credentials.principal_of("test")
    assert credentials.principal_of("test").startswith("AWS:AIDA")
