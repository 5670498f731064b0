"""The Java runtime: which method is the handler, and what its parameters become of JSON."""

import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.sandbox.java_runtime import compiled_runtime
from emulator.sandbox.jdks import compilers
from tests.end_to_end.calls import invoke
from tests.running_emulator import RunningEmulator, running_emulator

pytestmark = pytest.mark.skipif(not compilers(), reason="no JDK on this machine")

SOURCE = """
package shop;

import com.amazonaws.services.lambda.runtime.*;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.*;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.*;

public class Shop {
    public enum Size { SMALL, LARGE }

    public static class Item {
        public String name;
        private int count;
        private List<BigDecimal> prices;
        private Map<String, Size> sizes;
        private Instant since;
        private Date sold;
        private byte[] picture;
        private java.nio.ByteBuffer label;
        private Optional<String> note = Optional.empty();
        public int getCount() { return count; }
        public void setCount(int count) { this.count = count; }
        public List<BigDecimal> getPrices() { return prices; }
        public void setPrices(List<BigDecimal> prices) { this.prices = prices; }
        public Map<String, Size> getSizes() { return sizes; }
        public void setSizes(Map<String, Size> sizes) { this.sizes = sizes; }
        public Instant getSince() { return since; }
        public void setSince(Instant since) { this.since = since; }
        public Date getSold() { return sold; }
        public void setSold(Date sold) { this.sold = sold; }
        public byte[] getPicture() { return picture; }
        public void setPicture(byte[] picture) { this.picture = picture; }
        public java.nio.ByteBuffer getLabel() { return label; }
        public void setLabel(java.nio.ByteBuffer label) { this.label = label; }
        public Optional<String> getNote() { return note; }
        public void setNote(Optional<String> note) { this.note = note; }
        public boolean isCheap() { return count < 10; }
    }

    public static class Event {
        private List<Item> records;
        public List<Item> getRecords() { return records; }
        public void setRecords(List<Item> records) { this.records = records; }
    }

    public String text(String text) { return text + "!"; }
    public int number(int number) { return number + 1; }
    public double real(Double real) { return real / 2; }
    public boolean not(boolean value) { return !value; }
    public List<Integer> list(List<Integer> list) { list.add(list.get(0)); return list; }
    public long[] array(long[] array) { array[0]++; return array; }
    public Map<String, Integer> map(Map<String, Integer> map) { map.put("more", 1); return map; }
    public Item bean(Item item) { item.setCount(item.getCount() + 1); return item; }
    public String records(Event event) { return event.getRecords().get(0).name; }
    public int counted(Item item) { return item.getCount(); }
    public Map<String, Object> same(Map<String, Object> map) { return map; }
    public String sold(Item item) { return item.getSold().toInstant().toString(); }
    public String key(com.amazonaws.services.lambda.runtime.events.PutEvent event) {
        return event.getRecords().get(0).getKey() + " " + event.getRecords().get(0).getId();
    }
    public String arrival(com.amazonaws.services.lambda.runtime.events.PutEvent.Arrival arrival) {
        return arrival.getTime().toInstant().toString();
    }
    public void levels(Object event, Context context) {
        context.getLogger().log("too little", LogLevel.INFO);
        context.getLogger().log("two\\nlines", LogLevel.WARN);
        context.getLogger().log("plain\\n");
        System.out.println("printed");
        throw new IllegalStateException("failed");
    }
    public static String fixed() { return "static"; }
    public String context(Context context) { return context.getFunctionName(); }
    public String overloaded(String text) { return "one"; }
    public String overloaded(String text, Context context) { return "two"; }
    public void nothing(Object event) {}
    public void copy(InputStream in, OutputStream out) throws IOException {
        for (int b = in.read(); b >= 0; b = in.read()) out.write(b);
    }
    public String cause(Object event) {
        throw new IllegalStateException("outer", new IOException("inner"));
    }
    public Object heap(Object event) {
        List<long[]> hoard = new ArrayList<>();
        while (true) hoard.add(new long[1 << 20]);
    }

    public static class Upper implements RequestStreamHandler {
        public void handleRequest(InputStream in, OutputStream out, Context context)
                throws IOException {
            Scanner scanner = new Scanner(in, "UTF-8").useDelimiter("\\\\A");
            out.write(scanner.next().toUpperCase().getBytes("UTF-8"));
        }
    }

    public abstract static class Base<T> implements RequestHandler<T, String> {
        public String handleRequest(T input, Context context) { return describe(input); }
        abstract String describe(T input);
    }

    public static class Inherited extends Base<Item> {
        String describe(Item item) { return item.name; }
    }

    public class Inner implements RequestHandler<String, String> {
        public String handleRequest(String input, Context context) { return input; }
    }
}
"""
# As the classes of aws-lambda-java-events for S3: all there is comes by the constructor, in the
# order of the fields; an empty one may be there beside it.
EVENTS = """
package com.amazonaws.services.lambda.runtime.events;

import java.util.*;

public class PutEvent {
    private final List<Record> records;
    public PutEvent() { this(new ArrayList<>()); }
    public PutEvent(List<Record> records) { this.records = records; }
    public List<Record> getRecords() { return records; }

    public static class Record {
        private final String key;
        private final String xAmzId2;
        public Record(String key) { this(key, null); }
        public Record(String key, String xAmzId2) { this.key = key; this.xAmzId2 = xAmzId2; }
        public String getKey() { return key; }
        public String getId() { return xAmzId2; }
    }

    public static class Arrival {
        private Date time;
        public Date getTime() { return time; }
        public void setTime(Date time) { this.time = time; }
    }
}
"""
ITEM = {
    "name": "Käse",
    "count": 1,
    "prices": [1.25, 3],
    "sizes": {"a": "LARGE"},
    "since": "2026-11-22T10:00:00Z",
    "sold": 1795341600000,
    "picture": "/9j/",
    "label": "YWJj",
    "note": "ripe",
}
HANDLERS: dict[str, tuple[str, Any, Any]] = {
    "string": ("Shop::text", "Grüße", "Grüße!"),
    "int": ("Shop::number", 41, 42),
    "double": ("Shop::real", 5, 2.5),
    "boolean": ("Shop::not", True, False),
    "list": ("Shop::list", [3, 4], [3, 4, 3]),
    "array": ("Shop::array", [1, 2], [2, 2]),
    "map": ("Shop::map", {"a": 5}, {"a": 5, "more": 1}),
    "bean": ("Shop::bean", ITEM, {**ITEM, "count": 2, "cheap": True}),
    "a date as text": (
        "Shop::sold",
        {"sold": "2026-11-22T12:00:00.5+02:00"},
        "2026-11-22T10:00:00.500Z",
    ),
    "a day": ("Shop::sold", {"sold": "2026-11-22"}, "2026-11-22T00:00:00Z"),
    "an event made by its constructor": (
        "Shop::key",
        {"Records": [{"key": "photo.jpg", "x-amz-id-2": "id"}]},
        "photo.jpg id",
    ),
    "an event's date in seconds": (
        "Shop::arrival",
        {"time": 1795341600.987},
        "2026-11-22T10:00:00.987Z",
    ),
    "one value for a list": ("Shop::records", {"records": ITEM}, "Käse"),
    "one value for an array": ("Shop::array", 1, [2]),
    "a list of one for its value": ("Shop::counted", [{"count": [41]}], 41),
    "an empty text for what is no text": (
        "Shop::bean",
        {"name": "", "count": 4, "prices": "", "sizes": {"S": ""}, "since": ""},
        {"name": "", "count": 5, "sizes": {}, "note": None, "cheap": True},
    ),
    "a name that an enum lacks": (
        "Shop::bean",
        {"count": 4, "sizes": {"S": "HUGE", "L": "LARGE"}},
        {"count": 5, "sizes": {"L": "LARGE"}, "note": None, "cheap": True},
    ),
    "nothing in a map or a list": ("Shop::same", {"a": None, "b": [None]}, {"b": [None]}),
    "a name in another case": ("Shop::records", {"Records": [ITEM]}, "Käse"),
    "static": ("Shop::fixed", None, "static"),
    "context alone": ("Shop::context", {}, "FUNCTION"),
    "most parameters win": ("Shop::overloaded", "x", "two"),
    "void": ("Shop::nothing", {}, None),
    "streams": ("Shop::copy", {"a": [1]}, {"a": [1]}),
    "RequestStreamHandler": ("Shop$Upper", {"a": "b"}, {"A": "B"}),
    "RequestHandler of a parent": ("Shop$Inherited", ITEM, "Käse"),
}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """Serves one function; each test says which handler it has."""
    folder = tmp_path_factory.mktemp("project")
    jar = _compile(folder)
    with zipfile.ZipFile(folder / "shop.zip", "w") as package:
        package.write(jar, "lib/shop.jar")
    (folder / "emulator.toml").write_text(
        "".join(
            f'[functions.{name}]\ncode = "{code}"\nhandler = "shop.Shop::text"\n'
            f'runtime = "java17"\ntimeout_s = 20\nmemory_mib = {memory}\n'
            for name, code, memory in (("shop", "shop.jar", 256), ("zipped", "shop.zip", 512))
        )
    )
    with running_emulator(folder, "--no-watch") as emulator:
        yield emulator


def _compile(folder: Path) -> Path:
    sources = {folder / "Shop.java": SOURCE, folder / "PutEvent.java": EVENTS}
    for path, text in sources.items():
        path.write_text(text)
    options = ["-encoding", "UTF-8", "-nowarn", "-Xlint:-options", "--release", "8"]
    classes = folder / "classes"
    command = [str(compilers()[0]), *options, "-cp", str(compiled_runtime()), "-d", str(classes)]
    subprocess.run([*command, *map(str, sources)], check=True)
    jar = folder / "shop.jar"
    with zipfile.ZipFile(jar, "w") as package:
        for file in classes.rglob("*.class"):
            package.write(file, file.relative_to(classes))
    return jar


def set_handler(functions: Any, name: str, handler: str) -> None:
    functions.update_function_configuration(FunctionName=name, Handler=f"shop.{handler}")
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)


@pytest.mark.parametrize(("handler", "event", "result"), HANDLERS.values(), ids=HANDLERS)
def test_a_handler_takes_and_returns(
    emulator: RunningEmulator, handler: str, event: Any, result: Any
) -> None:
    functions = emulator.client("lambda")
    set_handler(functions, "shop", handler)
    expected = "shop" if result == "FUNCTION" else result
    assert invoke(functions, "shop", event).result == expected


def test_classes_are_found_in_jars_of_the_lib_folder(emulator: RunningEmulator) -> None:
    assert invoke(emulator.client("lambda"), "zipped", "jar").result == "jar!"


def test_an_error_has_its_cause(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    set_handler(functions, "shop", "Shop::cause")

    document = invoke(functions, "shop", {}).document

    assert document["errorType"] == "java.lang.IllegalStateException"
    assert document["cause"]["errorType"] == "java.io.IOException"
    assert document["cause"]["errorMessage"] == "inner"
    assert [frame.split("(")[0] for frame in document["stackTrace"]] == ["shop.Shop.cause"]


def test_a_json_log_has_levels_and_leaves_out_the_low_ones(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    functions.update_function_configuration(
        FunctionName="zipped",
        Handler="shop.Shop::levels",
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"},
    )
    functions.get_waiter("function_updated_v2").wait(FunctionName="zipped")

    invoke(functions, "zipped", {})
    emulator.settle()

    events = emulator.client("logs").filter_log_events(logGroupName="/aws/lambda/zipped")["events"]
    lines = [event["message"] for event in events if "platform." not in event["message"]]
    assert "printed" in lines
    documents = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(document["level"], document["message"]) for document in documents[:2]] == [
        ("WARN", "two\nlines"),
        ("UNDEFINED", "plain\n"),
    ]
    assert list(documents[0]) == ["timestamp", "message", "level", "AWSRequestId"]
    assert documents[2]["level"] == "ERROR"
    assert documents[2]["message"].startswith("failed: java.lang.IllegalStateException\n")


def test_an_event_of_another_type_is_an_error_of_parsing(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    set_handler(functions, "shop", "Shop::number")

    for event in ({"not": "a number"}, [1, 2]):
        answer = invoke(functions, "shop", event)
        assert answer.error == (
            "java.lang.RuntimeException",
            "An error occurred during JSON parsing",
        )


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        ("Shop", "Class does not implement an appropriate handler interface: shop.Shop"),
        ("Shop$Inner", "Class shop.Shop$Inner has no public zero-argument constructor"),
    ],
)
def test_a_class_that_is_no_handler_is_told_to_each_invocation(
    emulator: RunningEmulator, handler: str, message: str
) -> None:
    functions = emulator.client("lambda")
    set_handler(functions, "shop", handler)
    for _ in range(2):
        assert invoke(functions, "shop", {}).document["errorMessage"] == message


def test_a_full_heap_is_javas_error_and_ends_the_process(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    set_handler(functions, "zipped", "Shop::heap")
    assert invoke(functions, "zipped", {}).error == (
        "java.lang.OutOfMemoryError",
        "Java heap space",
    )
