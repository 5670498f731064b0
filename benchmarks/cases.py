"""What is measured, and what we aim at. Source of the aims: docs/benchmarks.md."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from benchmarks import floor
from benchmarks.client import Connection, burst, expect_success, invoke, latencies, rate, request
from benchmarks.crowd import growth
from benchmarks.emulator_process import Api, Emulator, pause, running
from benchmarks.producers import PRODUCERS
from benchmarks.project import EVENT_BUCKET, PLAIN_BUCKET
from benchmarks.report import Figure
from benchmarks.sources import DRAINS, TOML, drained, map_all, reached
from benchmarks.stages import FUNCTION
from benchmarks.stages import stages as way
from benchmarks.streaming import connected, read_stream, stream_request

MS: Final = 1000.0
MICROSECONDS: Final = 1_000_000.0
KILOBYTE: Final = b'{"text": "' + b"x" * 988 + b'"}'
FIVE_MEGABYTES: Final = b'{"text": "' + b"x" * 5_000_000 + b'"}'

Figures = Iterator[Figure]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What a case measures with: a running emulator, and the floor's port."""

    emulator: Emulator
    floor_port: int


Case = Callable[[Bench], Figures]
CASES: Final[dict[str, Case]] = {}


def case(measure: Case) -> Case:
    """Name a case by its function, for `--only`."""
    CASES[measure.__name__] = measure
    return measure


@case
def start(_bench: Bench) -> Figures:
    """Five starts with one Python function; memory when the last one has come to rest."""
    seconds: list[float] = []
    memory = None
    for _ in range(5):
        with running(["echo"]) as emulator:
            seconds.append(emulator.start_s)
            if len(seconds) == 5:
                memory = emulator.memory_mib(rest_s=2.0)
    yield Figure(name="start to first answer", value=median(seconds), unit="s", limit=0.4)
    yield Figure(name="idle memory (PSS, zygote included)", value=memory, unit="MiB", limit=80)


@case
def cold(bench: Bench) -> Figures:
    """The first invocation of functions created by API, each with a package of its own."""
    for source, label, limit in (
        ("echo", "Python hello", 12),
        ("boto", "Python import boto3", 20),
        ("node", "Node hello", 30),
    ):
        seconds = [cold_start(bench.emulator, source) for _ in range(16)][1:]
        yield Figure(
            name=f"cold invoke, {label}, p50", value=median(seconds) * MS, unit="ms", limit=limit
        )
        yield Figure(name=f"cold invoke, {label}, worst of 15", value=max(seconds) * MS, unit="ms")


@case
def restore(bench: Bench) -> Figures:
    """The same of a function whose init phase takes a second; then of a version with SnapStart."""
    for what, snap_start, count in (("init of 1 s", False, 3), ("its snapshot", True, 11)):
        seconds = [cold_start(bench.emulator, "slow_init", snap_start) for _ in range(count)]
        yield Figure(name=f"cold invoke, {what}, p50", value=median(seconds) * MS, unit="ms")


_numbers = itertools.count()


def cold_start(emulator: Emulator, source: str, snap_start: bool = False) -> float:
    """Seconds of the first invocation of a new function."""
    name = f"cold-{source}-{next(_numbers)}"
    emulator.api.create(name, source)
    if snap_start:
        name = emulator.api.publish_with_snap_start(name)
    emulator.api.settle()
    pause(0.4)  # standby processes are replaced meanwhile
    return latencies(emulator.api, invoke(name), 1)[0]


@case
def warm(bench: Bench) -> Figures:
    """1 kB in and out, one client."""
    floor, seconds = sequential(bench, "echo")
    yield Figure(
        name="warm invoke, 1 kB, p50",
        value=median(seconds) * MS,
        unit="ms",
        limit=0.5,  # twice the floor that the design was made with; ours is faster
        floor=median(floor) * MS,
    )
    yield Figure(
        name="warm invoke, 1 kB, p99",
        value=p99(seconds) * MS,
        unit="ms",
        limit=3,
        floor=p99(floor) * MS,
    )


@case
def stages(bench: Bench) -> Figures:
    """Where the time of such an invocation goes, from the client's send to its answer."""
    bench.emulator.api.warm(FUNCTION)
    way(bench.emulator.api, KILOBYTE, 200)
    parts = way(bench.emulator.api, KILOBYTE, 800)
    for number, stage in enumerate(parts, start=1):
        name = f"stage {number}, {stage.name}, p50"
        yield Figure(name=name, value=stage.seconds * MICROSECONDS, unit="µs")


def sequential(bench: Bench, function: str) -> tuple[list[float], list[float]]:
    """Seconds of 1,000 calls of the floor and of a warm function, in turns.

    So what else the machine does weighs on both.
    """
    data = invoke(function, KILOBYTE)
    floor: list[float] = []
    seconds: list[float] = []
    with Connection(bench.floor_port) as connection:
        for _ in range(10):
            for callee, measured in ((connection, floor), (bench.emulator.api, seconds)):
                latencies(callee, data, 100)
                measured += latencies(callee, data, 100)
    return floor, seconds


@case
def throughput(bench: Bench) -> Figures:
    """No-ops by 8 and 32 clients that send the next request when they have an answer."""
    for clients in (8, 32):
        data = invoke("echo")
        floor = rate(bench.floor_port, data, clients=clients, seconds=2)
        bench.emulator.api.warm("echo")
        value = rate(bench.emulator.port, data, clients=clients, seconds=4)
        yield Figure(
            name=f"warm throughput, {clients} clients",
            value=value,
            unit="/s",
            limit=5000,
            higher_is_better=True,
            floor=floor,
        )


@case
def sleeps(bench: Bench) -> Figures:
    """32 clients of a function that sleeps for 50 ms: at best 640 answers a second."""
    value = rate(bench.emulator.port, invoke("sleep"), clients=32, seconds=3)
    yield Figure(
        name="32 concurrent 50 ms sleeps", value=value, unit="/s", limit=600, higher_is_better=True
    )


@case
def errors(bench: Bench) -> Figures:
    """A handler that raises, beside one that returns."""
    _, success = sequential(bench, "echo")
    _, failure = sequential(bench, "fail")
    yield Figure(
        name="handler error, p50 (aim: 1.5 x success)",
        value=median(failure) * MS,
        unit="ms",
        limit=1.5 * median(success) * MS,
    )


@case
def events(bench: Bench) -> Figures:
    """2,000 Event invocations: how fast they are accepted, and when the last one is done."""
    count = 2000
    bench.emulator.api.warm("echo")
    started = time.perf_counter()
    accepted = burst(bench.emulator.port, [invoke("echo", kind="Event")] * count, clients=8)
    bench.emulator.api.settle()
    done = time.perf_counter() - started
    yield Figure(
        name="Event accepted, 8 clients",
        value=count / accepted,
        unit="/s",
        limit=3000,
        higher_is_better=True,
    )
    yield Figure(name="2,000 Events drained, from the first", value=done, unit="s", limit=1)


@case
def s3(bench: Bench) -> Figures:
    """Puts one after the other: alone, and until the handler's first line runs."""
    puts = [put(PLAIN_BUCKET, f"k{n}") for n in range(220)]
    alone = [latencies(bench.emulator.api, data, 1)[0] for data in puts][20:]
    yield Figure(name="S3 put alone, p50", value=median(alone) * MS, unit="ms", limit=2.5)
    reached = handler_latencies(bench.emulator, 220)[20:]
    yield Figure(
        name="S3 put to handler running, p50", value=median(reached) * MS, unit="ms", limit=3.5
    )
    yield Figure(
        name="S3 put to handler running, p99", value=p99(reached) * MS, unit="ms", limit=15
    )


def put(bucket: str, key: str) -> bytes:
    """Return the bytes of a PutObject request of 1 kB."""
    return request("PUT", f"/{bucket}/{key}", KILOBYTE, service="s3")


def handler_latencies(emulator: Emulator, count: int) -> list[float]:
    """Seconds from sending each put to the first line of the handler, in the order of the puts."""
    sent = {}
    for n in range(count):
        data = put(EVENT_BUCKET, f"k{n}")
        sent[f"k{n}"] = time.time()
        expect_success(emulator.api.call(data))
        emulator.api.settle()
    records = emulator.api.invocations("s3_probe", count)
    started = {r["response"]["key"]: r["response"]["started"] for r in records}
    return [started[key] - at for key, at in sent.items()]


@case
def sources(_bench: Bench) -> Figures:
    """Each source beside a neighbour of its kind whose handler takes 5 s; then long queues."""
    with running(["source_probe", "slow"], TOML) as emulator:
        map_all(emulator)
        for kind in PRODUCERS:
            seconds = reached(emulator, kind)
            name = f"{kind} to handler running, slow neighbour"
            yield Figure(name=f"{name}, p50", value=median(seconds) * MS, unit="ms", limit=3.5)
            yield Figure(name=f"{name}, p99", value=p99(seconds) * MS, unit="ms", limit=15)
    for drain in DRAINS:
        with running(["source_probe", "slow"], TOML) as emulator:
            drained(emulator, drain, 100)  # loads and starts what later ones find running
            short, long = (drained(emulator, drain, count) for count in (1_000, 10_000))
        name = f"10,000 waiting in {drain.kind}"
        yield Figure(name=f"{name}, worked off", value=10_000 / long, unit="/s")
        slope = long / 10 / short
        yield Figure(name=f"{name}, time each / with 1,000", value=slope, unit="x", limit=1.5)


@case
def reload(bench: Bench) -> Figures:
    """Save a file while one client calls without a pause."""
    for function, file, text, label, limit in (
        ("edit", "app.py", "def handler(event, context):\n    return {}\n", "Python", 30),
        ("edit_node", "index.js", "exports.handler = async () => {};\n", "Node", 150),
    ):
        bench.emulator.api.warm(function)
        saves = [
            save(bench.emulator, function, file, text.replace("{}", str(n)), n)
            for n in range(1, 16)
        ]
        yield Figure(
            name=f"save to new code, {label}, p50",
            value=median([s.seconds for s in saves]) * MS,
            unit="ms",
            limit=limit,
        )
        yield Figure(
            name=f"save to new code, {label}, failed",
            value=sum(s.failed for s in saves),
            unit="",
            limit=0,
        )
        yield Figure(
            name=f"save to new code, {label}, stale answers",
            value=sum(s.stale for s in saves),
            unit="",
            limit=0,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Save:
    """What a client saw between a save and the first answer of the new code."""

    seconds: float
    failed: int
    stale: int  # answers of the old code to requests sent after the save


def save(emulator: Emulator, function: str, file: str, text: str, answer: int) -> Save:
    """Write the file, then call until the function answers `answer`; give up after 10 s."""
    pause(0.3)
    path = emulator.folder / function / file
    path.write_text(text)
    started = time.perf_counter()
    failed = stale = 0
    while (seconds := time.perf_counter() - started) < 10:
        reply = emulator.api.call(invoke(function))
        if reply.status != 200 or reply.is_function_error:
            failed += 1
        elif reply.json() == answer:
            return Save(seconds=time.perf_counter() - started, failed=failed, stale=stale)
        else:
            stale += 1
    return Save(seconds=seconds, failed=failed, stale=stale)


@case
def many(_bench: Bench) -> Figures:
    """200 functions created by API and invoked once, by 8 clients."""
    with running(["echo"]) as emulator:
        started = time.perf_counter()
        with ThreadPoolExecutor(8) as clients:
            list(
                clients.map(lambda n: create_and_invoke(emulator.port, range(n, 200, 8)), range(8))
            )
        seconds = time.perf_counter() - started
        memory = emulator.memory_mib()
    yield Figure(name="200 functions created and invoked", value=seconds, unit="s", limit=3)
    yield Figure(
        name="memory of 200 functions (PSS)",
        value=memory,
        unit="MiB",
        limit=1024,
    )


def create_and_invoke(port: int, numbers: Iterable[int]) -> None:
    """Create functions by API and call each once."""
    with Api(port) as api:
        for number in numbers:
            api.create(f"many-{number}", "echo")
            api.warm(f"many-{number}")


@case
def crowd(_bench: Bench) -> Figures:
    """Operations while the number of functions grows to 1,000: a straight line through it."""
    for name, grown in growth():
        yield Figure(name=f"{name}, 1,000 functions", value=grown.last * MS, unit="ms")
        yield Figure(
            name=f"{name}, growth over 1,000 functions", value=grown.ratio, unit="x", limit=0.5
        )


@case
def large(bench: Bench) -> Figures:
    """5 MB in, 5 MB out."""
    data = invoke("echo", FIVE_MEGABYTES)
    with Connection(bench.floor_port) as connection:
        floor = median(latencies(connection, data, 12)[2:]) * MS
    value = median(latencies(bench.emulator.api, data, 12)[2:]) * MS
    yield Figure(
        name="5 MB in and out, p50", value=value, unit="ms", limit=1.5 * floor, floor=floor
    )


@case
def streaming(bench: Bench) -> Figures:
    """A Node function streams: the first byte of 64 KiB, and 50 MB."""
    with floor.serving("benchmarks.streaming") as floor_port:
        floor_first, floor_whole = streamed(floor_port)
    first, whole = streamed(bench.emulator.port)
    yield Figure(
        name="streaming, first byte, p50",
        value=first * MS,
        unit="ms",
        limit=5,
        floor=floor_first * MS,
    )
    yield Figure(
        name="streaming, 50 MB, p50",
        value=whole * MS,
        unit="ms",
        limit=6 * floor_whole * MS,
        floor=floor_whole * MS,
    )


def streamed(port: int) -> tuple[float, float]:
    """Seconds to the first byte of a short stream, and to the last one of a long one."""
    with connected(port) as connection:
        short, long = stream_request("stream", 1), stream_request("stream", 800)
        read_stream(connection, short)
        first = [read_stream(connection, short)[0] for _ in range(200)]
        whole = [read_stream(connection, long)[1] for _ in range(10)]
    return median(first), median(whole)


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred exceeds."""
    return sorted(values)[int(len(values) * 0.99)]
