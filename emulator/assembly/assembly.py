"""All rooms of one emulator, made in order, and the questions one asks another."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import emulator
from emulator.api import LambdaApi
from emulator.assembly.backends import make_backends
from emulator.assembly.changes import FunctionChanges
from emulator.aws import Functions, Moto
from emulator.aws.routing import scope_of
from emulator.console import Admin, Rooms
from emulator.control import (
    CapacityProviderStore,
    CodeSigningStore,
    CodeStore,
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
from emulator.gateway import HostKind, Hosts, Router, Server
from emulator.invoke import Invoker, InvokeSettings, Neighbours
from emulator.invoke.identity import new_request_id
from emulator.model import Call, FunctionVersion
from emulator.model.function_url import url_address
from emulator.model.triggers.nats import DEFAULT_URL
from emulator.observe import Activity, LogBook, Metrics, Records, Reporter
from emulator.project import Deployer, Project, ProjectDeployer, Reloader, Watcher
from emulator.project.up_to_date import UpToDateFunctions
from emulator.sandbox import (
    IDLE_TIMEOUT_S,
    Debugger,
    Environments,
    RunFolder,
)
from emulator.settings import Settings
from emulator.storage import DataFolder, Documents, EventJournal, kept_clock


class Assembly:
    """All rooms of one emulator, in the order in which they are made."""

    def __init__(
        self,
        settings: Settings,
        project: Project,
        data: DataFolder | None,
        run_folder: RunFolder,
        *,
        reset: Callable[[], None],
        stderr: TextIO,
    ) -> None:
        """Make them; nothing runs yet.

        data: what outlives the process; None: nothing does. reset: empties everything.
        Raises PortTaken.
        """
        self._settings = settings
        self._data = data
        self._run_folder = run_folder
        self._reset = reset
        self._hosts = Hosts(settings.host, settings.allow_hosts)
        self.server: Server | None = None  # once it listens
        self.documents = data.documents if data else Documents()
        self.clock = kept_clock(self.documents)
        self.reporter = Reporter(stderr, settings.log_format)
        self.activity = Activity(self.clock)
        self.log_book = LogBook(self.clock)
        self.records = Records()
        self.metrics = Metrics(self.clock)
        self.journal = data.journal if data else EventJournal()
        self.code = CodeStore(data.code if data else self._run_folder.path / "code")
        self.stores = self._make_stores(project)
        self.store = self.stores.functions
        self.mappings = self.stores.mappings
        self.tags = tags_of(self.stores)
        self.moto = self._make_moto()
        self.debugger = self._make_debugger() if settings.debug else None
        self.environments = self._make_environments(project)
        self.alarms = Alarms(self.clock, self.reporter)
        self._up_to_date = UpToDateFunctions(self.store)
        destinations = DestinationSender(self.moto, self._accept, self.clock)
        self.durable = self._make_durable(destinations)
        self.invoker = self._make_invoker(project, destinations)
        self._pass_on_changes()
        self.event_sources = self._make_event_sources(project)
        self.deployer = self._make_deployer(project)
        self.watcher = self._up_to_date.watcher = self._make_watcher() if settings.watch else None
        self.admin = self._make_admin()
        self._lambda_api = self._make_lambda_api()
        self.http_events = HttpEvents(
            self.invoker, self.store, self.moto.lambda_caller, self.clock, self.reporter
        )
        self.router = self._make_router()

    @property
    def endpoint(self) -> str:
        """Address to reach the emulator at from this machine, `http://127.0.0.1:4566`."""
        assert self.server is not None
        host = self.server.host
        if host in ("0.0.0.0", "::"):
            host = "127.0.0.1"
        return (
            f"http://[{host}]:{self.server.port}"
            if ":" in host
            else f"http://{host}:{self.server.port}"
        )

    @property
    def file_systems(self) -> Path:
        """Where the file systems of functions lie."""
        home = self._data.path if self._data else self._run_folder.path
        return home / "file_systems"

    # Parts, in the order they are made.

    def _make_stores(self, project: Project) -> Stores:
        immediate_states = bool(project.emulator.immediate_states)
        return Stores(
            functions=FunctionStore(
                self.clock, self.code, self.documents, immediate_states=immediate_states
            ),
            code=self.code,
            layers=LayerStore(self.code, self.documents),
            mappings=MappingStore(self.clock, self.documents, immediate_states=immediate_states),
            signing_configs=CodeSigningStore(self.clock, self.documents),
            providers=CapacityProviderStore(self.clock, self.documents),
        )

    def _make_moto(self) -> Moto:
        return Moto(
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
            documents=self.documents,
        )

    def _make_invoker(self, project: Project, destinations: DestinationSender) -> Invoker:
        return Invoker(
            Neighbours(
                store=self._up_to_date,
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

    def _make_environments(self, project: Project) -> Environments:
        self.backends = make_backends(
            project.emulator,
            self.moto,
            run_folder=self._run_folder.path,
            file_systems=self.file_systems,
            endpoint_url=lambda: self.endpoint,
            report=self.reporter.event,
        )
        return Environments(
            backend=self.backends,
            run_folder=self._run_folder.path,
            log_book=self.log_book,
            listener=self.reporter,
            idle_timeout_s=_default(project.emulator.idle_timeout_s, IDLE_TIMEOUT_S),
            freeze=project.emulator.freeze is not False,
            activity=self.activity,
            debugger=self.debugger,
        )

    def _make_debugger(self) -> Debugger:
        settings = self._settings
        return Debugger(settings.debug, waits=settings.debug_wait, tell=self.reporter.notice)

    def _make_durable(self, destinations: DestinationSender) -> DurableOnDemand:
        around = DurableSurroundings(
            functions=self._up_to_date,
            documents=self.documents,
            destinations=destinations,
            set_alarm=self.alarms.set,
            activity=self.activity,
            metrics=self.metrics,
            reporter=self.reporter,
            clock=self.clock,
        )
        return DurableOnDemand(around, self.store)

    def _pass_on_changes(self) -> None:
        changes = FunctionChanges(
            self.stores,
            self.environments,
            self.durable,
            self.reporter,
            listens=lambda: self.server is not None,
        )
        self.store.subscribe(changes.changed)
        self.store.provisions.subscribe(self.environments.provisioning.provision)
        self.environments.snapshots.subscribe(changes.snapshot_ended)

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

    def _make_deployer(self, project: Project) -> Deployer:
        if project.template is not None:
            from emulator.project.template_deployer import TemplateDeployer  # few projects have one

            return TemplateDeployer(
                project,
                project.template,
                self.store,
                self.mappings,
                self.moto.project_stack,
                self.reporter,
            )
        return ProjectDeployer(
            project.folder,
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
                reset=self._reset,
                catch_up=self._catch_up_all,
                backlog=self.invoker.backlog,
                container_credentials=self.moto.credentials.of_container,
                activity=self.activity,
                clock=self.clock,
                log_book=self.log_book,
                records=self.records,
                nats=self.event_sources.nats,
            )
        )

    def _make_lambda_api(self) -> LambdaApi:
        # Each part of `moto` is imported when it is first asked for, so two are named late.
        others = OtherServices(
            fetch_object=lambda *asked: self.moto.buckets.fetch(*asked),
            describe_source=self.moto.describe_source,
            target_exists=self.moto.takes_messages,
            find_vpc=lambda *asked: self.moto.networks.find_vpc(*asked),
            tell=self.reporter.notice,
            provisioned_state=self.environments.provisioning.state,
            is_revoked=self.moto.is_revoked,
        )
        made = operations(self.stores, others, self.clock)
        return LambdaApi({**made, **self.durable.operations}, self.invoker, self.clock)

    def _make_router(self) -> Router:
        return Router(
            lambda_api=self._lambda_api,
            admin=self.admin,
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

    def url_of(self, version: FunctionVersion) -> str | None:
        """Address of a function's URL; None: it has none, only `/fn/NAME`."""
        assert self.server is not None
        url = self.store.urls.of(Target(version.account, version.region, version.name))
        return None if url is None else url_address(url.url_id, version.region, self.server.port)

    def _is_foreign(self, host: str, origin: str | None) -> bool:
        is_page = origin is not None and not self._hosts.is_ours(origin)
        return is_page or self._hosts.kind(host) is HostKind.FOREIGN

    def _prepare(self, version: FunctionVersion) -> bytes | None:
        failure = self.environments.prepare(version).failure
        return None if failure is None else failure.body

    def _catch_up_all(self) -> None:
        self._up_to_date.catch_up()
        self.event_sources.catch_up()

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


def _default(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
