from pathlib import Path

import pytest

from emulator.model import DurableConfig
from emulator.model.resources import QueueResource
from emulator.model.triggers.s3 import S3Trigger
from emulator.project.config import EmulatorTable, ProjectError, load
from emulator.project.triggers.s3 import overlapping

GOOD = """
[functions.resize]
code = "resize"
handler = "app.handler"
runtime = "python3.12"
timeout_s = 30
memory_mib = 512
environment = { THUMBNAILS = "thumbnails" }

[[functions.resize.triggers]]
source = "s3"
bucket = "photos"
events = ["s3:ObjectCreated:*"]
suffix = ".jpg"

[resources]
buckets = ["photos", "thumbnails"]
"""


def project(folder: Path, toml: str) -> Path:
    (folder / "resize").mkdir(exist_ok=True)
    (folder / "emulator.toml").write_text(toml)
    return folder


def problems(folder: Path, toml: str) -> list[str]:
    with pytest.raises(ProjectError) as caught:
        load(project(folder, toml))
    file = str(folder / "emulator.toml")
    assert all(line.startswith(f"{file}: ") for line in str(caught.value).splitlines())
    return [problem.line for problem in caught.value.problems]


def one_problem(folder: Path, toml: str) -> str:
    (problem,) = problems(folder, toml)
    return problem


def test_the_example_of_the_design_is_read_as_written(tmp_path: Path) -> None:
    read = load(project(tmp_path, GOOD))
    function = read.functions["resize"]
    assert (function.code, function.handler, function.runtime) == (
        tmp_path / "resize",
        "app.handler",
        "python3.12",
    )
    assert (function.timeout_s, function.memory_mib) == (30, 512)
    assert function.environment == {"THUMBNAILS": "thumbnails"}
    assert function.triggers == (
        S3Trigger(bucket="photos", events=("s3:ObjectCreated:*",), suffix=".jpg"),
    )
    assert [made.summary for made in read.resources] == ["bucket photos", "bucket thumbnails"]


def test_what_is_left_out_has_the_defaults_of_lambda(tmp_path: Path) -> None:
    toml = '[functions.f]\ncode = "resize"\nhandler = "a.h"\nruntime = "nodejs22.x"\n'
    function = load(project(tmp_path, toml)).functions["f"]
    assert (function.timeout_s, function.memory_mib, function.ephemeral_storage_mib) == (
        3,
        128,
        512,
    )
    assert function.environment == {}
    assert function.triggers == ()


def test_settings_of_the_emulator_are_none_unless_given(tmp_path: Path) -> None:
    assert load(project(tmp_path, GOOD)).emulator == EmulatorTable()
    table = "[emulator]\nretry_delay_scale = 0\nidle_timeout_s = 60\nimmediate_states = true\n"
    assert load(project(tmp_path, table + "freeze = false\n" + GOOD)).emulator == EmulatorTable(
        retry_delay_scale=0, idle_timeout_s=60, freeze=False, immediate_states=True
    )


QUEUES = """
[functions.f]
code = "resize"
handler = "app.handler"
runtime = "python3.12"
timeout_s = 60
[[functions.f.triggers]]
source = "sqs"
queue = "orders"
"""


@pytest.mark.parametrize(
    ("toml", "visibility_s"),
    [
        ('[resources]\nqueues = ["orders"]', 60),
        ("[resources.queues.orders]", 60),
        ("[resources.queues.orders]\nvisibility_timeout_s = 90", 90),
    ],
)
def test_a_queue_hides_messages_as_long_as_the_function_it_feeds_may_take(
    tmp_path: Path, toml: str, visibility_s: int
) -> None:
    read = load(project(tmp_path, QUEUES + toml))
    assert read.resources == (
        QueueResource(name="orders", visibility_timeout_s=visibility_s, is_declared=True),
    )


def test_an_array_of_names_is_as_good_as_a_table_for_each(tmp_path: Path) -> None:
    tables = "[resources.queues.orders]\n[resources.streams.clicks]\n[resources.tables.carts]"
    arrays = '[resources]\nqueues = ["orders"]\nstreams = ["clicks"]\ntables = ["carts"]'
    (tmp_path / "tables").mkdir()
    expected = load(project(tmp_path / "tables", tables)).resources
    assert [each.summary for each in expected] == ["queue orders", "stream clicks", "table carts"]
    assert load(project(tmp_path, arrays)).resources == expected


def test_a_queue_names_its_dead_letter_queue_which_is_made_first(tmp_path: Path) -> None:
    orders = '[resources.queues.orders]\ndead_letter_queue = "dead"\nmax_receives = 2\n'
    dead = "[resources.queues.dead]\nvisibility_timeout_s = 5"
    assert load(project(tmp_path, orders + dead)).resources == (
        QueueResource(name="dead", visibility_timeout_s=5, is_declared=True),
        QueueResource(name="orders", dead_letter_queue="dead", max_receives=2, is_declared=True),
    )


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("visibility_timeout_s = 59", "visibility_timeout_s: is less than timeout_s (60) of"),
        ('dead_letter_queue = "orders"', "dead_letter_queue: is the queue itself"),
        ('dead_letter_queue = "dead.fifo"', "dead_letter_queue: must be a FIFO queue exactly if"),
        ("max_receives = 3", "max_receives: needs a dead_letter_queue"),
        ("max_receive = 3", "max_receive: unknown key (have: visibility_timeout_s, dead_letter_"),
    ],
)
def test_a_queue_that_cannot_work_is_refused(tmp_path: Path, line: str, text: str) -> None:
    found = one_problem(tmp_path, f"{QUEUES}[resources.queues.orders]\n{line}")
    assert found.startswith(f"resources.queues.orders.{text}")


def test_variables_over_4_kb_are_refused(tmp_path: Path) -> None:
    large = GOOD.replace('"thumbnails" }', f'"{"x" * 4096}" }}')
    assert one_problem(tmp_path, large) == (
        "functions.resize.environment: is larger than 4096 bytes"
    )


def test_the_project_of_this_repository_is_right() -> None:
    assert load(Path(__file__).parents[2]).functions


def test_a_folder_without_a_project_has_no_functions(tmp_path: Path) -> None:
    assert load(tmp_path).functions == {}


@pytest.mark.parametrize("name", ["template.yaml", "template.yml", "template.json"])
def test_a_template_stands_in_for_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Resources: {}")
    assert load(tmp_path).template == tmp_path / name
    assert load(tmp_path).functions == {}


def test_the_file_may_name_a_template_beside_settings(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("Resources: {}")
    (tmp_path / "emulator.toml").write_text('template = "t.yaml"\n[emulator]\nfreeze = false\n')
    project = load(tmp_path)
    assert (project.template, project.emulator.freeze) == (tmp_path / "t.yaml", False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('template = "none.yaml"', 'template: no file "none.yaml" in'),
        (
            'template = "emulator.toml"\n[resources]\nbuckets = ["bbb"]',
            "resources: belongs into the",
        ),
    ],
)
def test_what_does_not_go_with_a_template_is_told(tmp_path: Path, text: str, told: str) -> None:
    assert one_problem(tmp_path, text).startswith(told)


def test_the_file_counts_before_a_template(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: {}")
    (tmp_path / "emulator.toml").write_text("")
    assert load(tmp_path).template is None


def test_a_missing_project_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="nowhere: is not a folder"):
        load(tmp_path / "nowhere")


def test_text_that_is_no_toml_is_reported_with_its_line(tmp_path: Path) -> None:
    assert "line 2" in one_problem(tmp_path, "[functions.f]\ncode =\n")


MISTAKES = [
    ("memory_mib", "memory", "functions.resize.memory: unknown key", "memory_mib"),
    (
        "[[functions.resize.triggers]]",
        "[functions.resize.triggers]",
        "functions.resize.triggers: is an array of tables: write [[functions.resize.triggers]]",
        "",
    ),
    ("[resources]", "[resource]", "resource: unknown key", "resources"),
    ("= 30", '= "30"', "functions.resize.timeout_s: must be an integer, not a string ('30')", ""),
    ("= 30", "= true", "functions.resize.timeout_s: must be an integer, not a boolean (True)", ""),
    ("= 30", "= 901", "functions.resize.timeout_s: 901 is not between 1 and 900", ""),
    ("= 512", "= 64", "functions.resize.memory_mib: 64 is not between 128 and 10240", ""),
    ("python3", "pyhton3", 'functions.resize.runtime: "pyhton3.12" is not', "python3.12"),
    ('"app.handler"', '"app"', 'functions.resize.handler: "app" is not a handler like', ""),
    ('handler = "app.handler"', "", "functions.resize.handler: is missing", ""),
    ('"thumbnails" }', "3 }", "functions.resize.environment.THUMBNAILS: must be a string", ""),
    ("THUMBNAILS =", "AWS_REGION =", "functions.resize.environment.AWS_REGION: is reserved", ""),
    ('"python3.12"', '"dotnet8"', 'functions.resize.runtime: "dotnet8" needs sandbox', ""),
    ("[functions.resize]", "[emulator]\nretry = 1\n[functions.resize]", "emulator.retry: unk", ""),
    ("[functions.resize]", "functions.f = 3\n[functions.resize]", "functions.f: must be a tab", ""),
    ("[resources]", "[functions.'a b']\n[resources]", 'functions."a b": a function', ""),
    (
        "[resources]",
        "[nats]\nurl = 'http://x'\n[resources]",
        'nats.url: "http://x" is not the address of a server like "nats://127.0.0.1:4222"',
        "",
    ),
    ('"s3"', '"S3"', 'functions.resize.triggers[0].source: "S3" is no event source', "s3"),
    ("photos", "Photos", 'functions.resize.triggers[0].bucket: "Photos" is not a bucket', ""),
    ("Created:*", "Create:*", 'functions.resize.triggers[0].events[0]: "s3:', "s3:ObjectCreated:*"),
    ('["s3:ObjectCreated:*"]', "[]", "functions.resize.triggers[0].events: is empty", ""),
    ("suffix", "sufix", "functions.resize.triggers[0].sufix: unknown key", "suffix"),
    (
        "[resources]",
        '[resources]\nqueues = ["a b"]',
        'resources.queues."a b": "a b" is not a queue',
        "",
    ),
    ('"thumbnails"]', '"Thumbs"]', 'resources.buckets[1]: "Thumbs" is not a bucket', ""),
]


def test_a_file_that_lists_no_buckets_may_name_any_in_a_trigger(tmp_path: Path) -> None:
    (function,) = load(project(tmp_path, GOOD.partition("[resources]")[0])).functions.values()
    (trigger,) = function.triggers
    assert isinstance(trigger, S3Trigger)
    assert trigger.bucket == "photos"


@pytest.mark.parametrize(("before", "after", "message", "meant"), MISTAKES)
def test_a_mistake_is_named_with_its_key_and_the_nearest_valid_name(
    tmp_path: Path, before: str, after: str, message: str, meant: str
) -> None:
    assert before in GOOD
    found = problems(tmp_path, GOOD.replace(before, after, 1))
    (problem,) = [line for line in found if line.startswith(message)]
    assert not meant or problem.endswith(f'Did you mean "{meant}"?')


def test_missing_code_is_named_with_the_nearest_folder(tmp_path: Path) -> None:
    problem = one_problem(tmp_path, GOOD.replace('"resize"', '"resiz"'))
    assert problem == (
        f'functions.resize.code: no file or folder "resiz" in {tmp_path}'
        ' (have: emulator.toml, resize). Did you mean "resize"?'
    )


def test_every_mistake_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    toml = GOOD.replace("= 30", "= 0").replace("suffix", "sufix").replace('"app.handler"', "7")
    assert len(problems(tmp_path, toml)) == 3


def test_code_may_be_an_archive_but_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "f.zip").write_bytes(b"")
    (tmp_path / "f.tar").write_bytes(b"")
    assert load(project(tmp_path, GOOD.replace('"resize"', '"f.zip"'))).functions
    problem = one_problem(tmp_path, GOOD.replace('"resize"', '"f.tar"'))
    assert problem.endswith('"f.tar" is neither a folder nor a .zip or .jar file')


def test_layers_are_folders_or_archives_in_the_order_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "more.zip").write_bytes(b"")
    toml = GOOD.replace("timeout_s", 'layers = ["shared", "more.zip"]\ntimeout_s')
    (function,) = load(project(tmp_path, toml)).functions.values()
    assert function.layers == (tmp_path / "shared", tmp_path / "more.zip")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ('["shard"]', 'functions.resize.layers[0]: no file or folder "shard" in '),
        ('["resize", 3]', "functions.resize.layers[1]: must be a string, not an integer (3)"),
        (str(["resize"] * 6), "functions.resize.layers: has 6 layers; a function has 5 at most"),
    ],
)
def test_layers_that_cannot_be_are_named(tmp_path: Path, layers: str, message: str) -> None:
    toml = GOOD.replace("timeout_s", f"layers = {layers}\ntimeout_s")
    assert one_problem(tmp_path, toml).startswith(message)


def test_two_triggers_that_s3_would_refuse_are_refused(tmp_path: Path) -> None:
    second = GOOD[GOOD.index("[[functions") : GOOD.index("[resources]")].replace(".jpg", "g")
    assert one_problem(tmp_path, GOOD + second).startswith(
        "functions.resize.triggers[1]: overlaps functions.resize.triggers[0]"
    )


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (("s3:ObjectCreated:*", "", ""), ("s3:ObjectCreated:Put", "", ""), True),
        (("s3:ObjectCreated:*", "", ""), ("s3:ObjectRemoved:*", "", ""), False),
        (("s3:ObjectCreated:*", "in/", ""), ("s3:ObjectCreated:*", "out/", ""), False),
        (("s3:ObjectCreated:*", "in/", ".jpg"), ("s3:ObjectCreated:*", "in/a/", ".png"), False),
        (("s3:ObjectCreated:*", "in/", ".jpg"), ("s3:ObjectCreated:*", "in/a/", "pg"), True),
    ],
)
def test_triggers_clash_when_event_prefix_and_suffix_all_overlap(
    one: tuple[str, str, str], other: tuple[str, str, str], clash: bool
) -> None:
    triggers = [
        S3Trigger(bucket="photos", events=(event,), prefix=prefix, suffix=suffix)
        for event, prefix, suffix in (one, other)
    ]
    assert bool(overlapping(triggers)) is clash


LOG_SETTINGS = """
[functions.resize]
code = "resize"
handler = "app.handler"
runtime = "python3.12"
"""


def test_format_and_levels_of_a_log_are_read(tmp_path: Path) -> None:
    json_log = 'log_format = "JSON"\napplication_log_level = "TRACE"\nsystem_log_level = "WARN"\n'
    read = load(project(tmp_path, LOG_SETTINGS + json_log)).functions["resize"]
    assert (read.log_format, read.application_log_level) == ("JSON", "TRACE")
    assert read.system_log_level == "WARN"
    plain = load(project(tmp_path, LOG_SETTINGS)).functions["resize"]
    assert (plain.log_format, plain.application_log_level) == ("Text", "")


LOG_MISTAKES = [
    ('log_format = "Json"', 'log_format: "Json" is not a log format: Text or JSON'),
    ('log_format = "JSON"\nsystem_log_level = "TRACE"', 'system_log_level: "TRACE" is not a level'),
    ('application_log_level = "INFO"', 'application_log_level: needs log_format = "JSON"'),
]


@pytest.mark.parametrize(("toml", "problem"), LOG_MISTAKES)
def test_mistakes_in_the_settings_of_a_log_are_told(
    tmp_path: Path, toml: str, problem: str
) -> None:
    assert one_problem(tmp_path, LOG_SETTINGS + toml).startswith(f"functions.resize.{problem}")


def test_a_durable_table_makes_a_function_durable(tmp_path: Path) -> None:
    function = '[functions.f]\ncode = "resize"\nhandler = "a.h"\nruntime = "python3.12"\n'
    assert load(project(tmp_path, function)).functions["f"].durable is None
    empty = load(project(tmp_path, function + "[functions.f.durable]\n")).functions["f"]
    assert empty.durable == DurableConfig(execution_timeout_s=86_400, retention_days=30)
    table = "[functions.f.durable]\nexecution_timeout_s = 60\nretention_days = 2\n"
    told = load(project(tmp_path, function + table)).functions["f"]
    assert told.durable == DurableConfig(execution_timeout_s=60, retention_days=2)
    wrong = "[functions.f.durable]\nexecution_timeout_s = 0\nretention_days = 91\nretention = 1\n"
    assert [problem.partition(":")[0] for problem in problems(tmp_path, function + wrong)] == [
        "functions.f.durable.execution_timeout_s",
        "functions.f.durable.retention_days",
        "functions.f.durable.retention",
    ]
