"""One running emulator: the rooms wired together, started and stopped."""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import emulator
from emulator.api import LambdaApi
from emulator.aws import AwsError, Functions, Moto
from emulator.aws.routing import scope_of
from emulator.console import Admin, Rooms
from emulator.control import (
    CapacityProviderStore,
    CodeSigningStore,
    CodeStore,
    FunctionChange,
    FunctionStore,
    LayerStore,
    MappingStore,
    OtherServices,
    RequestContext,
    Stores,
    Target,
    operations,
    tags_of,
)
from emulator.durable import DurableOnDemand
from emulator.durable import Surroundings as DurableSurroundings
from emulator.event_sources import (
    Alarms,
    DestinationSender,
    HttpEvents,
    SourcesOnDemand,
    Surroundings,
)
from emulator.gateway import HostKind, Hosts, Router, Server, serve
from emulator.invoke import Invoker, InvokeSettings, Neighbours
from emulator.invoke.identity import new_request_id
from emulator.model import Call, Clock, FetchError, FunctionVersion, ResolvedFunction
from emulator.model.function_url import url_address
from emulator.model.snapshot import SnapshotOutcome
from emulator.model.triggers.nats import DEFAULT_URL
from emulator.model.triggers.s3 import S3Trigger
from emulator.observe import Activity, LogBook, Metrics, Records, Reporter
from emulator.project.apply import ProjectDeployer
from emulator.project.config import Project, load
from emulator.project.reload import Reloader
from emulator.project.watch import Watcher
from emulator.sandbox import (
    IDLE_TIMEOUT_S,
    PROCESS,
    Backend,
    Backends,
    Credentials,
    Debugger,
    DebugTarget,
    Environments,
    Launcher,
    RunFolder,
)
from emulator.storage import DataFolder, Documents, EventJournal

STOP_GRACE_S: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What `lambda-emulator start` was told."""

    project: Path
    host: str = "127.0.0.1"
    port: int = 4566  # 0: a free one
    data_dir: Path | None = None  # None: nothing outlives the process
    watch: bool = True
    log_format: Literal["text", "json"] = "text"
    allow_hosts: Sequence[str] = ()
    nats_url: str | None = None  # None: what the project says
    debug: Sequence[DebugTarget] = ()  # functions that debuggers can attach to
    debug_wait: bool = False  # and these wait for one before they are loaded


class Emulator:
    """All rooms of one emulator, and the folder they share.

    `start` and `stop` are called by the thread that owns it. Every thread belongs to a room: the
    server, `Environments`, `Invoker`, `Reporter`, `Moto` and `Watcher` stop their own.
    """

    def __init__(self, settings: Settings, stderr: TextIO) -> None:
        """Build the rooms.

        Raises ProjectError for a project's file with mistakes, StorageError, PortTaken.
        """
        project = load(settings.project)
        self._data = None if settings.data_dir is None else DataFolder(settings.data_dir)
        self._settings = settings
        self._server: Server | None = None
        self._hosts = Hosts(settings.host, settings.allow_hosts)
        self._watcher: Watcher | None = None
        self._resetting = threading.Lock()  # held by the one reset that is under way
        self._run_folder = RunFolder()
        with contextlib.ExitStack() as undo:
            undo.callback(self._run_folder.close)
            self._make_rooms(project, stderr)
            undo.pop_all()

    def _make_rooms(self, project: Project, stderr: TextIO) -> None:
        settings = self._settings
        self.clock = Clock()
        self.reporter = Reporter(stderr, settings.log_format)
        self.activity = Activity(self.clock)
        self.log_book = LogBook(self.clock)
        self.records = Records()
        self.metrics = Metrics(self.clock)
        self.documents = self._data.documents if self._data else Documents()
        self.journal = self._data.journal if self._data else EventJournal()
        self.code = CodeStore(self._data.code if self._data else self._run_folder.path / "code")
        self.store = FunctionStore(
            self.clock,
            self.code,
            self.documents,
            immediate_states=bool(project.emulator.immediate_states),
        )
        self.layers = LayerStore(self.code, self.documents)
        self.mappings = MappingStore(
            self.clock,
            self.documents,
            immediate_states=bool(project.emulator.immediate_states),
        )
        self.signing_configs = CodeSigningStore(self.clock, self.documents)
        self.providers = CapacityProviderStore(self.clock, self.documents)
        self.stores = Stores(
            functions=self.store,
            code=self.code,
            layers=self.layers,
            mappings=self.mappings,
            signing_configs=self.signing_configs,
            providers=self.providers,
        )
        self.tags = tags_of(self.stores)
        self.moto = Moto(
            log_book=self.log_book,
            metrics=self.metrics,
            activity=self.activity,
            clock=self.clock,
            reporter=self.reporter,
            functions=Functions(
                exists=self.store.exists,
                log_group=self._log_group,
                policy_allows=self.store.policy_allows,
                tagged=self.tags.all,
                tag=self.tags.add,
                untag=self.tags.remove,
                invoke=lambda call: self.invoker.run(call)[0],
                accept=self._accept,
                operate=self._operate,
            ),
        )
        self._debugger = self._make_debugger() if settings.debug else None
        self.environments = self._make_environments(project)
        self.alarms = Alarms(self.clock, self.reporter)
        functions = _UpToDate(self.store, self._catch_up)
        destinations = DestinationSender(self.moto, self._accept, self.clock)
        self.durable = self._make_durable(functions, destinations)
        self.invoker = Invoker(
            Neighbours(
                store=functions,
                environments=self.environments,
                destinations=destinations,
                durable=self.durable,
                records=self.records,
                metrics=self.metrics,
                journal=self.journal,
                reporter=self.reporter,
                activity=self.activity,
                clock=self.clock,
            ),
            InvokeSettings(retry_delay_scale=_default(project.emulator.retry_delay_scale, 1.0)),
        )
        self.store.subscribe(self._on_change)
        self.store.provisions.subscribe(self.environments.provisioning.provision)
        self.environments.snapshots.subscribe(self._on_snapshot)
        self.event_sources = self._make_event_sources(project)
        self.deployer = self._make_deployer(settings.project)
        self._watcher = self._make_watcher() if settings.watch else None
        self._admin = self._make_admin()
        self._lambda_api = self._make_lambda_api()
        self.http_events = HttpEvents(
            self.invoker, self.store, self.moto.lambda_caller, self.clock, self.reporter
        )
        self._router = self._make_router()

    @property
    def endpoint(self) -> str:
        """Address to reach the emulator at from this machine, `http://127.0.0.1:4566`."""
        assert self._server is not None
        host = self._server.host
        if host in ("0.0.0.0", "::"):
            host = "127.0.0.1"
        return (
            f"http://[{host}]:{self._server.port}"
            if ":" in host
            else f"http://{host}:{self._server.port}"
        )

    def url_of(self, version: FunctionVersion) -> str | None:
        """Address of a function's URL; None: it has none, only `/fn/NAME`."""
        assert self._server is not None
        url = self.store.urls.of(Target(version.account, version.region, version.name))
        return None if url is None else url_address(url.url_id, version.region, self._server.port)

    def start(self) -> None:
        """Deploy the project and answer requests; raises ProjectError, ListenError, StorageError.

        What an earlier process kept comes first, so that the project has the last word.
        """
        self.layers.restore()  # first: code that nobody has by then is deleted
        self.store.restore()
        self.durable.restore()
        self.deployer.apply()  # first: who finds the port open finds the functions, too
        self._server = serve(self._router, self._settings.host, self._settings.port)
        self.moto.listens_on(self._server.port, self._server.host)
        self.event_sources.start()
        self._start_debugged()
        for version, executions in self.store.provisioned():
            self.environments.provisioning.provision(version, executions)
        for version in self.store.snapshots():
            self.environments.take_snapshot(version)
        if self._watcher is not None:
            self._watcher.start()
        read = {mapping.service for mapping in self.mappings.all()}
        if services := sorted(read | ({"s3"} if self._uses_s3() else set())):
            self.moto.warm(services)
        if resumed := self.durable.resume():
            self.reporter.event("durable.resumed", executions=resumed)
        if resumed := self.invoker.resume():
            self.reporter.event("events.resumed", events=resumed)

    def stop(self, grace_s: float = STOP_GRACE_S) -> bool:
        """Let what runs finish for up to `grace_s`, then end all of it.

        False: the terminal took not all that there was to tell, and a thread still waits for it.
        """
        deadline = time.monotonic() + grace_s
        if self._watcher is not None:
            self._watcher.stop()
        self._admin.stop()
        self.event_sources.stop(grace_s)
        if left := self.durable.stop(max(deadline - time.monotonic(), 0.0)):
            self.reporter.notice(self._farewell(left, "durable execution", "end"))
        if lost := self.invoker.stop(max(deadline - time.monotonic(), 0.0)):
            self.reporter.notice(self._farewell(lost, "accepted event", "run"))
        # While the services still answer: extensions ship their last telemetry to them.
        self.environments.wind_down(max(deadline - time.monotonic(), 0.0))
        self.moto.stop()
        if self._server is not None:
            self._server.stop(max(deadline - time.monotonic(), 0.0))
        self.environments.stop(max(deadline - time.monotonic(), 0.0))
        if self._debugger is not None:
            self._debugger.stop()
        has_told_all = self.reporter.stop()
        self._run_folder.close()
        if self._data is not None:
            self._data.close()
        return has_told_all

    def _farewell(self, count: int, what: str, to_do: str) -> str:
        things = f"1 {what}" if count == 1 else f"{count} {what}s"
        if self._data is None:
            return f"{things} did not get to {to_do}."
        waits = "waits" if count == 1 else "wait"
        return f"{things} {waits} in {self._data.path} for the next start."

    def abandon(self) -> None:
        """Remove what would outlast this process, which ends at once."""
        self._run_folder.remove()

    def reset(self) -> None:
        """Empty everything, then load the project again; of two at once, one comes after the other.

        Raises ProjectError or StorageError before it begins: the emulator is as it was.
        """
        with self._resetting:
            self._reset()

    def _reset(self) -> None:
        load(self._settings.project)
        self.documents.clear()  # and again below: what is written until then goes, too
        self.mappings.reset()  # first these three: from here on nothing is accepted, told or read
        self.store.reset()
        self.layers.reset()
        self.signing_configs.reset()
        self.providers.reset()
        self.moto.reset()
        self.event_sources.reset()
        self.documents.clear()
        self.durable.reset()
        self.invoker.reset()
        self.environments.reset()
        shutil.rmtree(self._file_systems, ignore_errors=True)
        self.records.reset(self.clock.now())
        self.log_book.reset()
        self.metrics.reset()
        self.deployer.forget()
        self.deployer.apply()

    # Parts, in the order they are made.

    @property
    def _file_systems(self) -> Path:
        """Where the file systems of functions lie."""
        home = self._data.path if self._data else self._run_folder.path
        return home / "file_systems"

    def _make_environments(self, project: Project) -> Environments:
        surroundings: dict[str, Any] = {
            "run_folder": self._run_folder.path,
            "file_systems": self._file_systems,
            "endpoint_url": lambda: self.endpoint,
            "credentials": self._credentials,
            "report": self.reporter.event,
        }
        table = project.emulator

        def make_containers() -> Backend:
            from emulator.sandbox.docker.backend import DockerBackend  # see its package
            from emulator.sandbox.docker.route import DockerSettings

            docker = table.docker
            settings = DockerSettings(
                images=docker.images, host=docker.host, network=docker.network
            )
            return DockerBackend(settings, **surroundings)

        self.backends = Backends(
            processes=Launcher(**surroundings),
            make_containers=make_containers,
            default=table.sandbox or PROCESS,
        )
        return Environments(
            backend=self.backends,
            run_folder=self._run_folder.path,
            log_book=self.log_book,
            listener=self.reporter,
            idle_timeout_s=_default(project.emulator.idle_timeout_s, IDLE_TIMEOUT_S),
            freeze=project.emulator.freeze is not False,
            activity=self.activity,
            debugger=self._debugger,
        )

    def _make_debugger(self) -> Debugger:
        settings = self._settings
        return Debugger(settings.debug, waits=settings.debug_wait, tell=self.reporter.notice)

    def _make_durable(
        self, functions: "_UpToDate", destinations: DestinationSender
    ) -> DurableOnDemand:
        around = DurableSurroundings(
            functions=functions,
            documents=self.documents,
            destinations=destinations,
            set_alarm=self.alarms.set,
            activity=self.activity,
            metrics=self.metrics,
            reporter=self.reporter,
            clock=self.clock,
        )
        return DurableOnDemand(around, self.store)

    def _make_event_sources(self, project: Project) -> SourcesOnDemand:
        return SourcesOnDemand(
            Surroundings(
                moto=self.moto,
                invoker=self.invoker,
                functions=self.store,
                mappings=self.mappings,
                documents=self.documents,
                alarms=self.alarms,
                activity=self.activity,
                metrics=self.metrics,
                clock=self.clock,
                reporter=self.reporter,
                endpoint_url=lambda: self.endpoint,
                is_foreign=self._is_foreign,
                nats_url=self._settings.nats_url or project.nats_url or DEFAULT_URL,
            )
        )

    def _make_deployer(self, folder: Path) -> ProjectDeployer:
        return ProjectDeployer(
            folder,
            self.store,
            self.code,
            bind=self.event_sources.bind,
            unbind=self.event_sources.unbind,
            ensure=self.moto.ensure,
        )

    def _make_watcher(self) -> Watcher:
        reloader = Reloader(
            self.store,
            self.code,
            prepare=self._prepare,
            reporter=self.reporter,
            activity=self.activity,
        )
        return Watcher(
            self.store,
            self.deployer,
            reloader,
            reporter=self.reporter,
            activity=self.activity,
        )

    def _make_admin(self) -> Admin:
        return Admin(
            Rooms(
                version=emulator.__version__,
                functions=self.store.functions,
                services=self._services,
                archive_for=self.code.archive_for,
                reset=self.reset,
                catch_up=self._catch_up_all,
                backlog=self.invoker.backlog,
                container_credentials=self.moto.container_credentials,
                activity=self.activity,
                clock=self.clock,
                log_book=self.log_book,
                records=self.records,
                nats=self.event_sources.nats,
            )
        )

    def _make_lambda_api(self) -> LambdaApi:
        others = OtherServices(
            fetch_object=self._fetch_object,
            describe_source=self.moto.describe_source,
            target_exists=self.moto.takes_messages,
            find_vpc=self._find_vpc,
            tell=self.reporter.notice,
            provisioned_state=self.environments.provisioning.state,
            is_revoked=self.moto.is_revoked,
        )
        made = operations(self.stores, others, self.clock)
        return LambdaApi({**made, **self.durable.operations}, self.invoker, self.clock)

    def _make_router(self) -> Router:
        return Router(
            lambda_api=self._lambda_api,
            admin=self._admin,
            http_events=self.http_events,
            front_ends=self.event_sources.answer,
            moto=self.moto.wsgi,
            scope_of=scope_of,
            account_of=self.moto.account_of,
            hosts=self._hosts,
            allows_origin=self.event_sources.allows_origin,
            url_allows_origin=self.http_events.allows_origin,
        )

    # What one room asks of another.

    def _on_change(self, change: FunctionChange) -> None:
        if change.old is not None:
            self.environments.retire(change.old)
            rooms = (self.store, self.layers, self.environments)
            self.code.collect([package for room in rooms for package in room.code_in_use()])
        if change.kind == "deleted" and change.old is not None:
            self.durable.function_deleted(change.old)
        if change.new is not None:
            self.environments.warm(change.new)
            if self._server is not None:  # else what it is told would lead nowhere yet
                self.environments.start_debugged(change.new)
                if change.new.snap_start:
                    self.environments.take_snapshot(change.new)

    def _on_snapshot(self, version: FunctionVersion, outcome: SnapshotOutcome) -> None:
        self.store.optimized(version, outcome)
        facts = {"function": version.name, "version": version.version}
        if outcome.has_failed:
            self.reporter.event("snapstart.failed", **facts, reason=outcome.reason)
        elif not outcome.is_taken:
            effect = "each environment runs its init phase, as without SnapStart"
            self.reporter.event(
                "snapstart.without_snapshot", **facts, reason=outcome.reason, effect=effect
            )
        elif outcome.threads:
            self.reporter.event(
                "snapstart.threads",
                **facts,
                threads=", ".join(outcome.threads),
                effect="the init phase started them; restored environments do not have them",
                hint="start them in an after-restore hook, or in the handler",
            )

    def _start_debugged(self) -> None:
        if self._debugger is None:
            return
        versions = self.store.functions()
        for version in versions:
            self.environments.start_debugged(version)
        names = [version.name for version in versions]
        for name in self._debugger.missing(names):
            have = ", ".join(sorted(names)) or "none"
            text = f'There is no function "{name}" to debug yet (have: {have}).'
            self.reporter.notice(f"{text} It is debugged as soon as it is created.")

    def _is_foreign(self, host: str, origin: str | None) -> bool:
        is_page = origin is not None and not self._hosts.is_ours(origin)
        return is_page or self._hosts.kind(host) is HostKind.FOREIGN

    def _prepare(self, version: FunctionVersion) -> bytes | None:
        failure = self.environments.prepare(version).failure
        return None if failure is None else failure.body

    def _catch_up(self) -> None:
        if self._watcher is not None:
            self._watcher.catch_up()

    def _catch_up_all(self) -> None:
        self._catch_up()
        self.event_sources.catch_up()

    def _credentials(self, version: FunctionVersion) -> Credentials:
        issued = self.moto.issue_credentials(version.account, version.role, version.name)
        return Credentials(
            access_key=issued.access_key,
            secret_key=issued.secret_key,
            session_token=issued.token,
            container_token=issued.container_token,
        )

    def _fetch_object(
        self, account: str, region: str, bucket: str, key: str, version_id: str | None
    ) -> bytes:
        try:
            return self.moto.fetch_object(account, region, bucket, key, version_id)
        except AwsError as error:
            raise FetchError(error.code, error.message) from error

    def _find_vpc(
        self, account: str, region: str, subnet_ids: Sequence[str], group_ids: Sequence[str]
    ) -> str:
        try:
            return self.moto.networks.find_vpc(account, region, subnet_ids, group_ids)
        except AwsError as error:
            raise FetchError(error.code, error.message) from error

    def _log_group(self, arn: str) -> str | None:
        version = self.store.find(arn)
        return None if version is None else version.log_group_name

    def _accept(self, call: Call) -> str:
        return self.invoker.accept(call)

    def _operate(
        self, account: str, region: str, operation: str, members: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        context = RequestContext(
            account=account, region=region, endpoint=self.endpoint, request_id=new_request_id()
        )
        return self._lambda_api.operate(context, operation, members)

    def _services(self) -> Mapping[str, str]:
        return {"lambda": "running", **dict.fromkeys(self.moto.services(), "running")}

    def _uses_s3(self) -> bool:
        project = self.deployer.project
        return any(made.kind == "bucket" for made in project.resources) or any(
            isinstance(trigger, S3Trigger)
            for function in project.functions.values()
            for trigger in function.triggers
        )


class _UpToDate:
    """Finds functions for the invoker, whatever was saved before the call included."""

    def __init__(self, store: FunctionStore, catch_up: Callable[[], None]) -> None:
        self._store = store
        self._catch_up = catch_up

    def resolve(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        self._catch_up()
        return self._store.resolve(account, region, function, qualifier)

    def look_up(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        return self._store.look_up(account, region, function, qualifier)


def _default(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
