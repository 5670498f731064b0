"""What CloudWatch shows under AWS/Lambda, summed by the minute until somebody asks."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from emulator.model import Clock, FunctionVersion, ResolvedFunction
from emulator.observe.records import InvocationRecord

KEPT_SERIES: Final = 20_000  # a name and a set of dimensions in one minute; the oldest go first
_MINUTE_S: Final = 60

_Dimensions = tuple[tuple[str, str], ...]
_Place = tuple[str, str]  # account, region


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricStatistics:
    """All values of one metric in one minute, as CloudWatch's StatisticValues has them."""

    account: str
    region: str
    name: str
    unit: str
    dimensions: _Dimensions
    minute_s: int  # seconds since the epoch, at its beginning
    samples: int
    total: float
    minimum: float
    maximum: float


class _Series:
    """The values of one metric so far."""

    __slots__ = ("maximum", "minimum", "samples", "total")

    def __init__(self) -> None:
        self.samples = 0
        self.total = 0.0
        self.minimum = float("inf")
        self.maximum = float("-inf")

    def add(self, value: float) -> None:
        self.samples += 1
        self.total += value
        if value < self.minimum:
            self.minimum = value
        if value > self.maximum:
            self.maximum = value

    def merge(self, other: "_Series") -> None:
        self.samples += other.samples
        self.total += other.total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)


def _flags(samples: int, raised: int) -> _Series:
    """The values of a metric that is 1 for some and 0 for the others."""
    series = _Series()
    series.samples = samples
    series.total = float(raised)
    series.minimum = float(raised == samples)
    series.maximum = float(raised > 0)
    return series


class _Invocations:
    """What an invocation adds to: one object a minute, function, qualifier and version."""

    __slots__ = ("durations", "errors", "throttles")

    def __init__(self) -> None:
        self.durations = _Series()
        self.errors = 0
        self.throttles = 0

    def metrics(self) -> Iterator[tuple[str, str, _Series]]:
        """Name, unit and values of each metric that has any."""
        ran = self.durations.samples
        if ran:
            yield "Invocations", "Count", _flags(ran, ran)
            yield "Errors", "Count", _flags(ran, self.errors)
            yield "Duration", "Milliseconds", self.durations
        yield "Throttles", "Count", _flags(ran + self.throttles, self.throttles)


class _Concurrency:
    """How many run at once now, and the series of the minute that this is noted in."""

    __slots__ = ("minute", "running", "series")

    def __init__(self) -> None:
        self.running = 0
        self.minute = -1
        self.series = _Series()


_Key = tuple[int, _Place, str, str, _Dimensions]  # minute, place, name, unit, dimensions
_InvocationKey = tuple[int, str, str]  # minute, the ARN it was invoked by, version that ran


class Metrics:
    """Numbers about functions, for CloudWatch.

    Any thread may call. `_lock` guards the tables and is held for a few instructions: an
    invocation costs three microseconds here, and what CloudWatch has as a dozen series
    is told apart only when it is drained. What nobody drains is bounded by `KEPT_SERIES`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._series: dict[_Key, _Series] = {}
        self._invocations: dict[_InvocationKey, _Invocations] = {}
        self._running: dict[tuple[str, str, str], _Concurrency] = {}  # function "": all of them

    def count(
        self,
        name: str,
        value: float = 1.0,
        unit: str = "Count",
        *,
        account: str,
        region: str,
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        """Add a value to a metric of AWS/Lambda, under exactly these dimensions."""
        minute = _minute(self._clock.now())
        with self._lock:
            self._at((minute, (account, region), name, unit, _sorted(dimensions or {}))).add(value)

    def of_function(
        self, name: str, function_arn: str, value: float = 1.0, unit: str = "Count"
    ) -> None:
        """Add a value to a metric of a function, and to the same one of all functions."""
        region, account, function = _parts(function_arn)
        minute = _minute(self._clock.now())
        place = account, region
        with self._lock:
            self._at((minute, place, name, unit, ())).add(value)
            self._at((minute, place, name, unit, (("FunctionName", function),))).add(value)

    def started(self, version: FunctionVersion, at_s: float) -> None:
        """An invocation begins to run; at_s: seconds since the epoch."""
        account, region = version.account, version.region
        minute = _minute(at_s)
        with self._lock:
            for function in ("", version.name):
                concurrency = self._running.get((account, region, function))
                if concurrency is None or concurrency.minute != minute:
                    concurrency = self._begin_minute(account, region, function, minute)
                concurrency.running += 1
                concurrency.series.add(concurrency.running)

    def provisioned(
        self, resolved: ResolvedFunction, at_s: float, *, in_use: int, is_spilled: bool
    ) -> None:
        """An invocation of a version that has provisioned concurrency begins to run.

        in_use: how much of that is, with it. is_spilled: it found no room there. Source: Lambda
        Developer Guide, types of metrics.
        """
        version, minute = resolved.version, _minute(at_s)
        what = "Spillover" if is_spilled else ""
        values = (
            (f"ProvisionedConcurrency{what}Invocations", "Count", 1.0),
            ("ProvisionedConcurrentExecutions", "Count", in_use),
            ("ProvisionedConcurrencyUtilization", "None", in_use / resolved.provisioned),
        )
        resource = _resource(version.name, resolved.invoked_arn)
        place = version.account, version.region
        with self._lock:
            for dimensions in _dimension_sets(version.name, resource, version.version)[1:]:
                for name, unit, value in values:
                    self._at((minute, place, name, unit, dimensions)).add(value)

    def ended(self, version: FunctionVersion, record: InvocationRecord | None) -> None:
        """What `started` told is over; None: nothing ran after all."""
        account, region = version.account, version.region
        with self._lock:
            for function in ("", version.name):
                concurrency = self._running[account, region, function]
                concurrency.running -= 1
            if record is not None:
                result = record.result
                entry = self._entry(
                    _minute(record.started_at),
                    record.invocation.invoked_arn,
                    result.executed_version,
                )
                entry.durations.add(result.duration_ms)
                entry.errors += result.function_error is not None

    def throttled(self, version: FunctionVersion, invoked_arn: str) -> None:
        """An invocation was refused because too many run."""
        minute = _minute(self._clock.now())
        with self._lock:
            self._entry(minute, invoked_arn, version.version).throttles += 1

    def drain(self) -> list[MetricStatistics]:
        """Everything since the last drain, oldest minute first."""
        with self._lock:
            series, invocations = self._take()
        for (minute, arn, version), entry in invocations.items():
            region, account, function = _parts(arn)
            dimension_sets = _dimension_sets(function, _resource(function, arn), version)
            for name, unit, values in entry.metrics():
                for dimensions in dimension_sets:
                    key = minute, (account, region), name, unit, dimensions
                    series.setdefault(key, _Series()).merge(values)
        return [_statistics(key, series[key]) for key in sorted(series)]

    def reset(self) -> None:
        """Forget every value; what runs is still counted as running."""
        with self._lock:
            self._take()

    @property
    def kept_series(self) -> int:
        """How much is waiting to be drained."""
        return len(self._series) + len(self._invocations)

    # Under the lock.

    def _take(self) -> tuple[dict[_Key, _Series], dict[_InvocationKey, _Invocations]]:
        taken = self._series, self._invocations
        self._series, self._invocations = {}, {}
        self._running = {key: now for key, now in self._running.items() if now.running}
        for concurrency in self._running.values():
            concurrency.minute = -1  # its series is taken
        return taken

    def _begin_minute(self, account: str, region: str, function: str, minute: int) -> _Concurrency:
        concurrency = self._running.setdefault((account, region, function), _Concurrency())
        dimensions = (("FunctionName", function),) if function else ()
        key = minute, (account, region), "ConcurrentExecutions", "Count", dimensions
        concurrency.minute, concurrency.series = minute, self._at(key)
        return concurrency

    def _at(self, key: _Key) -> _Series:
        series = self._series.get(key)
        if series is None:
            self._make_room()
            series = self._series[key] = _Series()
        return series

    def _entry(self, minute: int, arn: str, version: str) -> _Invocations:
        entry = self._invocations.get((minute, arn, version))
        if entry is None:
            self._make_room()
            entry = self._invocations[minute, arn, version] = _Invocations()
        return entry

    def _make_room(self) -> None:
        while self.kept_series >= KEPT_SERIES:
            # Dictionaries remember the order; minutes come in it, but for a moment's difference.
            if len(self._series) > len(self._invocations):
                del self._series[next(iter(self._series))]
            else:
                del self._invocations[next(iter(self._invocations))]


def _minute(at_s: float) -> int:
    return int(at_s) // _MINUTE_S * _MINUTE_S


def _sorted(dimensions: Mapping[str, str]) -> _Dimensions:
    return tuple(sorted(dimensions.items()))


def _parts(function_arn: str) -> tuple[str, str, str]:
    parts = function_arn.split(":")
    return parts[3], parts[4], parts[6]


def _resource(function: str, invoked_arn: str) -> str:
    """What CloudWatch calls the resource: the function, with the qualifier it was invoked by."""
    qualifier = invoked_arn.split(":", 7)[7:]
    return f"{function}:{qualifier[0]}" if qualifier else function


def _dimension_sets(function: str, resource: str, version: str) -> list[_Dimensions]:
    """Under which sets of dimensions CloudWatch has an invocation; ExecutedVersion: by alias."""
    by_function = ("FunctionName", function)
    by_resource = ("Resource", resource)
    sets: list[_Dimensions] = [(), (by_function,), (by_function, by_resource)]
    _, _, qualifier = resource.partition(":")
    if qualifier and qualifier != version:
        sets.append((("ExecutedVersion", version), by_function, by_resource))
    return sets


def _statistics(key: _Key, series: _Series) -> MetricStatistics:
    minute, (account, region), name, unit, dimensions = key
    return MetricStatistics(
        account=account,
        region=region,
        name=name,
        unit=unit,
        dimensions=dimensions,
        minute_s=minute,
        samples=series.samples,
        total=series.total,
        minimum=series.minimum,
        maximum=series.maximum,
    )
