"""moto as one WSGI application, and the emulator's way into it."""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from emulator.aws.addresses import Addresses
from emulator.aws.background_work import BackgroundWork
from emulator.aws.buffer import FactBuffer, Listener
from emulator.aws.credentials import Credentials
from emulator.aws.destinations import Destinations
from emulator.aws.facts import Fact
from emulator.aws.front import Front
from emulator.aws.functions import Functions
from emulator.aws.kept_stacks import Keep, KeepNothing, KeptStacks
from emulator.aws.locks import ServiceLocks
from emulator.aws.log_drain import LogDrain
from emulator.aws.log_groups import LogGroups
from emulator.aws.log_subscriptions import LogSubscriptions
from emulator.aws.own_calls import OwnCalls
from emulator.aws.own_requests import OwnRequests
from emulator.aws.patches import PatchContext
from emulator.aws.patches.sqs_queues import all_queues, wake, wake_long_polls
from emulator.aws.permissions import InvokePermissions
from emulator.aws.provisioning import Provisioning
from emulator.aws.routing import Environ, scope_of
from emulator.aws.services import Services
from emulator.model import Clock
from emulator.model.code_signature import CodeSignature
from emulator.model.mapping import SourceDescription
from emulator.model.resources import Resource
from emulator.observe import Activity, LogBook, Metrics, Reporter

if TYPE_CHECKING:
    from emulator.aws.buckets import Buckets
    from emulator.aws.callers import Caller, Callers
    from emulator.aws.event_buses import EventBuses
    from emulator.aws.http_apis import HttpApis
    from emulator.aws.load_balancers import LoadBalancers
    from emulator.aws.networks import Networks
    from emulator.aws.project_stack import ProjectStack
    from emulator.aws.queues import Queues
    from emulator.aws.rest_apis import RestApis
    from emulator.aws.rotations import Rotations
    from emulator.aws.schedules import Schedules
    from emulator.aws.streams import Streams
    from emulator.aws.tables import Tables
    from emulator.aws.topics import Topics


class Moto:
    """All AWS services but Lambda.

    Any thread may call. Nothing of moto is imported before the first request or `warm`. Locks:
    see `ServiceLocks`. Listeners run on the request's thread, with no lock of moto held.
    """

    def __init__(
        self,
        *,
        log_book: LogBook,
        metrics: Metrics,
        activity: Activity,
        clock: Clock,
        reporter: Reporter,
        functions: Functions | None = None,
        documents: Keep | None = None,
    ) -> None:
        functions = functions or Functions()
        buffer, locks = FactBuffer(), ServiceLocks()
        own = OwnRequests(buffer, locks, activity, reporter)
        log_subscriptions = LogSubscriptions(buffer, reporter)
        self._activity = activity
        self._own = own
        self._warming: list[threading.Thread] = []
        self._log_drain = LogDrain(log_book, own, log_subscriptions, activity, reporter)
        self.addresses = Addresses()
        self.credentials = Credentials()
        self.permissions = InvokePermissions(functions, reporter)
        self.calls = OwnCalls(self.wsgi)
        self._context = PatchContext(
            addresses=self.addresses,
            buffer=buffer,
            locks=locks,
            log_subscriptions=log_subscriptions,
            watch_logs=self._log_drain.watch,
            clock=clock,
            functions=functions,
            credentials=self.credentials,
            executions=BackgroundWork("executions", activity, clock),
            stacks=BackgroundWork("stacks", activity, clock),
            kept_stacks=KeptStacks(documents or KeepNothing()),
            destinations=Destinations(functions, self.permissions),
            permissions=self.permissions,
            reporter=reporter,
            stopping=threading.Event(),
            call_service=self.calls.call,
        )
        self._services = Services(self._context)
        self.log_groups = LogGroups(
            self._services, own, self.permissions, reporter, load=lambda name: self.warm([name])
        )
        self._provisioning = Provisioning(self._services, own)
        self._front = Front(
            self._context,
            self._services,
            own,
            log_drain=self._log_drain,
            metrics=metrics,
            reset=self.reset,
        )
        clock.on_move(wake_long_polls)

    # Made when first asked for, with their modules; none keeps anything of its own.

    @cached_property
    def buckets(self) -> "Buckets":
        """S3 buckets."""
        from emulator.aws.buckets import Buckets

        context = self._context
        return Buckets(self._services, context.locks, self._own, self.permissions, context.reporter)

    @cached_property
    def queues(self) -> "Queues":
        """SQS queues."""
        from emulator.aws.queues import Queues

        return Queues(self._services, self._own, self._context.clock)

    @cached_property
    def callers(self) -> "Callers":
        """Who signed requests."""
        from emulator.aws.callers import Callers

        return Callers(self.credentials, self._context.clock)

    @cached_property
    def rest_apis(self) -> "RestApis":
        """REST APIs of API Gateway."""
        from emulator.aws.rest_apis import RestApis

        return RestApis(self._services, self._context.locks)

    @cached_property
    def http_apis(self) -> "HttpApis":
        """HTTP and WebSocket APIs of API Gateway."""
        from emulator.aws.http_apis import HttpApis

        return HttpApis(self._services, self._context.locks)

    @cached_property
    def load_balancers(self) -> "LoadBalancers":
        """Load balancers."""
        from emulator.aws.load_balancers import LoadBalancers

        return LoadBalancers(self._services, self._context.locks)

    @cached_property
    def rotations(self) -> "Rotations":
        """Rotations of secrets."""
        from emulator.aws.rotations import Rotations

        return Rotations(self._context.locks, self._context.clock)

    @cached_property
    def networks(self) -> "Networks":
        """Subnets and security groups of EC2."""
        from emulator.aws.networks import Networks

        return Networks(self._services, self._context.locks)

    @cached_property
    def project_stack(self) -> "ProjectStack":
        """The stack of the project's template."""
        from emulator.aws.project_stack import ProjectStack

        context = self._context
        return ProjectStack(context.call_service, context.stacks, self.addresses, context.reporter)

    @cached_property
    def streams(self) -> "Streams":
        """Kinesis streams."""
        from emulator.aws.streams import Streams

        return Streams(self._services, self._context.locks)

    @cached_property
    def tables(self) -> "Tables":
        """Streams of DynamoDB tables."""
        from emulator.aws.tables import Tables

        return Tables(self._services, self._context.locks, self._own)

    @cached_property
    def event_buses(self) -> "EventBuses":
        """Buses of EventBridge."""
        from emulator.aws.event_buses import EventBuses

        return EventBuses(self._services, self._own, self._context)

    @cached_property
    def schedules(self) -> "Schedules":
        """Schedules of EventBridge Scheduler."""
        from emulator.aws.schedules import Schedules

        return Schedules(self._services, self._own)

    @cached_property
    def topics(self) -> "Topics":
        """SNS topics."""
        from emulator.aws.topics import Topics

        context = self._context
        return Topics(self._services, context.locks, self._own, self.permissions, context.reporter)

    def wsgi(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request (PEP 3333); its facts have been delivered when this returns."""
        return self._front.answer(environ, start_response)

    def subscribe(self, listener: Listener, *kinds: type[Fact]) -> None:
        """Call `listener` with each fact of these kinds (none: of all) a successful request told.

        Facts come oldest first, on the request's thread and before its answer is sent: a listener
        takes note and leaves the work to others.
        """
        self._context.buffer.subscribe(listener, *kinds)

    def before_first_load(self, action: Callable[[], None]) -> None:
        """Call `action` before a service is loaded, and so before the first fact."""
        self._services.before_load = action

    def account_of(self, environ: Environ) -> str:
        """The account whose credentials a request uses."""
        return self.credentials.account_of(scope_of(environ).access_key)

    def lambda_caller(self, environ: Environ, body: bytes, region: str) -> "Caller | None":
        """Who signed a request for Lambda in `region`; None: nobody did. Raises LambdaError."""
        return self.callers.identify(environ, body, service="lambda", region=region)

    def warm(self, services: Sequence[str]) -> None:
        """Load services (moto's names: "s3", "stepfunctions") on a thread of their own."""
        missing = [name for name in services if not self._services.is_loaded(name)]
        if missing:
            self._activity.begin("services loading")
            thread = threading.Thread(
                target=self._warm, args=(missing,), name="moto-warm", daemon=True
            )
            self._warming.append(thread)
            thread.start()

    def listens_on(self, port: int, host: str = "127.0.0.1") -> None:
        """Tell moto's Step Functions where to call us, and API Gateway what to show."""
        os.environ["MOTO_PORT"] = str(port)
        self.addresses.host, self.addresses.port = host, port

    def services(self) -> list[str]:
        """moto's names of the services that are loaded."""
        return self._services.loaded()

    def end_stacks(self) -> None:
        """Have all changes of stacks end where they are, before what they make is emptied."""
        self._context.stacks.reset()

    def reset(self) -> None:
        """Empty every service of every account and region."""
        self._context.executions.reset()
        self.end_stacks()
        self._context.kept_stacks.reset()
        _empty(self._context.locks)
        self._log_drain.watch(())
        self.permissions.forget()

    def stop(self) -> None:
        """Let long polls and the warming thread end."""
        self._context.stopping.set()
        self._context.executions.stop()
        self._context.stacks.stop()
        wake_long_polls()
        for thread in self._warming:
            thread.join()
        self._log_drain.stop()

    def is_revoked(self, signature: CodeSignature) -> bool:
        """Whether the Signer has revoked the job or the profile version behind a signature."""
        if not self._services.is_loaded("signer"):
            return False  # it knows of none
        from emulator.aws.patches.signer import is_revoked

        with self._context.locks.hold("signer"):
            return is_revoked(signature)

    def describe_source(self, arn: str) -> SourceDescription | None:
        """The queue or stream an event source mapping may read; None: there is none."""
        service = arn.split(":")[2]
        if service == "sqs":
            return self.queues.describe(arn)
        reader = self.streams if service == "kinesis" else self.tables
        return None if reader.describe(arn) is None else SourceDescription()

    def ensure(self, resources: Iterable[Resource]) -> None:
        """Have these exist before their service answers its first, or next, request."""
        self._provisioning.ensure(resources)

    def takes_messages(self, arn: str) -> bool:
        """Whether this is the ARN of a queue or topic that exists and is not FIFO."""
        if arn.endswith(".fifo"):
            return False
        if arn.split(":")[2] == "sqs":
            return self.queues.describe(arn) is not None
        return self.topics.exists(arn)

    def _warm(self, services: Sequence[str]) -> None:
        try:
            for name in services:
                if self._context.stopping.is_set():
                    return
                self._services.load(name)
        finally:
            self._activity.end("services loading")


def _empty(locks: ServiceLocks) -> None:
    if "moto.core.base_backend" not in sys.modules:
        return
    from moto.core.base_backend import BackendDict

    queues = all_queues()
    with locks.hold("cloudformation"):  # that is, all
        BackendDict.reset()
    for queue in queues:
        wake(queue)  # who polls it learns that it is gone
