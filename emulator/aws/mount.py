"""moto as one WSGI application, and the emulator's way into it."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from emulator.aws.addresses import Addresses
from emulator.aws.background_work import BackgroundWork
from emulator.aws.buffer import FactBuffer, Listener
from emulator.aws.credentials import Credentials, RoleCredentials
from emulator.aws.destinations import Destinations
from emulator.aws.facts import Fact
from emulator.aws.front import Front
from emulator.aws.functions import Functions
from emulator.aws.inside import Attributes, Inside
from emulator.aws.kept_stacks import Keep, KeepNothing, KeptStacks
from emulator.aws.locks import ServiceLocks
from emulator.aws.log_drain import LogDrain
from emulator.aws.log_groups import LogGroups
from emulator.aws.log_subscriptions import LogSubscriptions
from emulator.aws.notifications import Refused, Rule
from emulator.aws.own_calls import OwnCalls
from emulator.aws.own_requests import OwnRequests
from emulator.aws.patches import PATCHES, PatchContext
from emulator.aws.patches.sqs import wake_long_polls
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
    from emulator.aws.callers import Caller, Callers
    from emulator.aws.event_buses import BusEvent, EventBuses
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
        self._reporter = reporter
        self._buffer = FactBuffer()
        self._credentials = Credentials()
        self.permissions = InvokePermissions(functions, reporter)
        self._stopping = threading.Event()
        self._activity = activity
        self._warming: list[threading.Thread] = []
        self._clock = clock
        self._locks = locks = ServiceLocks()
        self.addresses = Addresses()
        self._executions = BackgroundWork("executions", activity, clock)
        self._stacks = BackgroundWork("stacks", activity, clock)
        self._kept_stacks = KeptStacks(documents or KeepNothing())
        self._own = own = OwnRequests(self._buffer, locks, activity, reporter)
        log_subscriptions = LogSubscriptions(self._buffer, reporter)
        self._log_drain = LogDrain(log_book, own, log_subscriptions, activity, reporter)
        self.calls = OwnCalls(self.wsgi)
        self._context = context = PatchContext(
            addresses=self.addresses,
            buffer=self._buffer,
            locks=locks,
            log_subscriptions=log_subscriptions,
            watch_logs=self._log_drain.watch,
            clock=clock,
            functions=functions,
            credentials=self._credentials,
            executions=self._executions,
            stacks=self._stacks,
            kept_stacks=self._kept_stacks,
            destinations=Destinations(functions, self.permissions),
            permissions=self.permissions,
            reporter=reporter,
            stopping=self._stopping,
            call_service=self.calls.call,
        )
        self._services = Services(context, reporter)
        self.log_groups = LogGroups(
            self._services, own, self.permissions, reporter, load=lambda name: self.warm([name])
        )
        self._provisioning = Provisioning(self._services, own)
        self._inside = Inside(self._services, locks, own, reporter)
        self._front = Front(
            context,
            self._services,
            self._inside,
            own,
            log_drain=self._log_drain,
            metrics=metrics,
            reporter=reporter,
            reset=self.reset,
        )
        clock.on_move(wake_long_polls)

    # Made when first asked for, with their modules; none keeps anything of its own.

    @cached_property
    def queues(self) -> "Queues":
        """SQS queues."""
        from emulator.aws.queues import Queues

        return Queues(self._services, self._own, self._clock)

    @cached_property
    def callers(self) -> "Callers":
        """Who signed requests."""
        from emulator.aws.callers import Callers

        return Callers(self._credentials, self._clock)

    @cached_property
    def rest_apis(self) -> "RestApis":
        """REST APIs of API Gateway."""
        from emulator.aws.rest_apis import RestApis

        return RestApis(self._services, self._locks)

    @cached_property
    def http_apis(self) -> "HttpApis":
        """HTTP and WebSocket APIs of API Gateway."""
        from emulator.aws.http_apis import HttpApis

        return HttpApis(self._services, self._locks)

    @cached_property
    def load_balancers(self) -> "LoadBalancers":
        """Load balancers."""
        from emulator.aws.load_balancers import LoadBalancers

        return LoadBalancers(self._services, self._locks)

    @cached_property
    def rotations(self) -> "Rotations":
        """Rotations of secrets."""
        from emulator.aws.rotations import Rotations

        return Rotations(self._locks, self._clock)

    @cached_property
    def networks(self) -> "Networks":
        """Subnets and security groups of EC2."""
        from emulator.aws.networks import Networks

        return Networks(self._services, self._locks)

    @cached_property
    def project_stack(self) -> "ProjectStack":
        """The stack of the project's template."""
        from emulator.aws.project_stack import ProjectStack

        return ProjectStack(self.calls.call, self._stacks, self.addresses, self._reporter)

    @cached_property
    def streams(self) -> "Streams":
        """Kinesis streams."""
        from emulator.aws.streams import Streams

        return Streams(self._services, self._locks)

    @cached_property
    def tables(self) -> "Tables":
        """Streams of DynamoDB tables."""
        from emulator.aws.tables import Tables

        return Tables(self._services, self._locks, self._own)

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

        return Topics(self._services, self._locks, self.permissions, self._reporter)

    def wsgi(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request (PEP 3333); its facts have been delivered when this returns."""
        return self._front.answer(environ, start_response)

    def subscribe(self, listener: Listener, *kinds: type[Fact]) -> None:
        """Call `listener` with each fact of these kinds (none: of all) a successful request told.

        Facts come oldest first, on the request's thread and before its answer is sent: a listener
        takes note and leaves the work to others.
        """
        self._buffer.subscribe(listener, *kinds)

    def before_first_load(self, action: Callable[[], None]) -> None:
        """Call `action` before a service is loaded, and so before the first fact."""
        self._services.before_load = action

    def account_of(self, environ: Environ) -> str:
        """The account whose credentials a request uses."""
        return self._credentials.account_of(scope_of(environ).access_key)

    def lambda_caller(self, environ: Environ, body: bytes, region: str) -> "Caller | None":
        """Who signed a request for Lambda in `region`; None: nobody did. Raises LambdaError."""
        return self.callers.identify(environ, body, service="lambda", region=region)

    def issue_credentials(self, account: str, role_arn: str, session_name: str) -> RoleCredentials:
        """Credentials of an execution role; the same ones for the same session."""
        return self._credentials.issue(account, role_arn, session_name)

    def container_credentials(self, container_token: str) -> RoleCredentials | None:
        """The same, for a function that has only this token of them."""
        return self._credentials.of_container(container_token)

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

    def self_test(self) -> dict[str, str]:
        """Load every service that we patch; return what is broken: patch to reason."""
        for name in PATCHES:
            if name not in ("core", "awslambda"):
                self._services.load(name)
        return dict(self._services.broken)

    def end_stacks(self) -> None:
        """Have all changes of stacks end where they are, before what they make is emptied."""
        self._stacks.reset()

    def reset(self) -> None:
        """Empty every service of every account and region."""
        self._executions.reset()
        self.end_stacks()
        self._kept_stacks.reset()
        self._inside.reset()
        self._log_drain.watch(())
        self.permissions.forget()

    def stop(self) -> None:
        """Let long polls and the warming thread end."""
        self._stopping.set()
        self._executions.stop()
        self._stacks.stop()
        wake_long_polls()
        for thread in self._warming:
            thread.join()
        self._log_drain.stop()

    def fetch_object(
        self, account: str, region: str, bucket: str, key: str, version_id: str | None = None
    ) -> bytes:
        """Content of an object. Raises AwsError with S3's code and message."""
        return self._inside.fetch_object(account, region, bucket, key, version_id)

    def is_revoked(self, signature: CodeSignature) -> bool:
        """Whether the Signer has revoked the job or the profile version behind a signature."""
        return self._inside.is_revoked(signature)

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

    def bind(self, bucket: str, rule: Rule) -> None:
        """Add a project file's trigger to a bucket's notifications, and the bucket if need be.

        The function's own account and region are the bucket's.
        """
        self.permissions.trust(f"arn:aws:s3:::{bucket}", rule.arn)
        self._services.when_loaded("s3", lambda: self._change_rules(bucket, add=rule))

    def unbind(self, bucket: str, rule: Rule) -> None:
        """Take away what `bind` added."""
        self._services.when_loaded("s3", lambda: self._change_rules(bucket, remove=rule))

    def send_message(
        self,
        queue_arn: str,
        body: str,
        attributes: Attributes | None = None,
        trace_header: str | None = None,
    ) -> None:
        """Put a message into a queue. attributes: name to (type, value). Raises AwsError."""
        self._inside.send_message(queue_arn, body, attributes, trace_header)

    def takes_messages(self, arn: str) -> bool:
        """Whether this is the ARN of a queue or topic that exists and is not FIFO."""
        return self._inside.takes_messages(arn)

    def publish(
        self,
        topic_arn: str,
        message: str,
        subject: str | None = None,
        attributes: Attributes | None = None,
        trace_header: str | None = None,
    ) -> None:
        """Publish to a topic. attributes: name to (type, value). Raises AwsError."""
        self._inside.publish(topic_arn, message, subject, attributes, trace_header)

    def put_object(
        self,
        account: str,
        region: str,
        bucket: str,
        key: str,
        content: bytes,
        *,
        content_type: str,
        trace_header: str | None = None,
    ) -> None:
        """Put an object as `account` would. Raises AwsError with S3's code and message."""
        self._inside.put_object(account, region, bucket, key, content, content_type, trace_header)

    def put_event(self, event: "BusEvent") -> None:
        """Give an event to the rules of its bus. Raises AwsError when there is no such bus."""
        self.event_buses.put(event)

    def _warm(self, services: Sequence[str]) -> None:
        try:
            for name in services:
                if self._stopping.is_set():
                    return
                self._services.load(name)
        finally:
            self._activity.end("services loading")

    def _change_rules(
        self, bucket: str, *, add: Rule | None = None, remove: Rule | None = None
    ) -> None:
        rule = add or remove
        assert rule is not None
        _, _, _, region, account, _ = rule.arn.split(":", 5)
        try:
            self._inside.change_rules(bucket, account, region, add=add, remove=remove)
        except Refused as refusal:
            self._reporter.event(
                "s3.trigger_refused", bucket=bucket, function=rule.arn, reason=refusal.message
            )
