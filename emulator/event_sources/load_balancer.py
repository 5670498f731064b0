"""Application Load Balancers: rules, target groups, functions as targets."""

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from typing_extensions import override

from emulator.aws.load_balancers import Action, LoadBalancer, TargetGroup
from emulator.event_sources.function_calls import FunctionCalls, NotAllowed, TookTooLong
from emulator.event_sources.health_checks import HealthChecks
from emulator.event_sources.http_messages import (
    HttpAnswer,
    HttpRequest,
    json_answer,
    read_request,
    send,
)
from emulator.event_sources.load_balancer_events import (
    LIMIT_BYTES,
    build_event,
    parse_response,
)
from emulator.event_sources.load_balancer_rules import choose_listener, choose_rule, redirect
from emulator.event_sources.source import EventSource, Surroundings
from emulator.invoke.identity import trace_header
from emulator.model import LambdaError

BALANCER: Final = ".elb."
_PRINCIPAL: Final = "elasticloadbalancing.amazonaws.com"
_TITLES: Final = {
    413: "413 Request Entity Too Large",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}


class BalancerError(Exception):
    """The load balancer answers itself, with this status."""

    def __init__(self, status: int, cause: str) -> None:
        super().__init__(cause)
        self.status = status


class LoadBalancerFront(EventSource):
    """Answers requests to load balancers. It keeps no configuration: that lives in moto.

    Any thread may call; a request is answered on its own thread.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._balancers = around.moto.load_balancers
        self._calls = FunctionCalls(around, "elb", _PRINCIPAL)
        self._checks = HealthChecks(around, self._calls)

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer = self._answer(environ)
        return send(answer.with_headers(("Server", "awselb/2.0")), start_response)

    @override
    def reset(self) -> None:
        """Check nothing any more."""
        self._checks.reset()

    @override
    def stop(self, grace_s: float) -> None:
        """End the threads."""
        self._checks.stop(grace_s)
        self._calls.stop(grace_s)

    def _answer(self, environ: WSGIEnvironment) -> HttpAnswer:
        host, _, port = environ["HTTP_HOST"].lower().partition(":")
        name = host if host.endswith(".amazonaws.com") else host.partition(BALANCER)[0]
        balancer = self._balancers.find(name)
        wanted_port = int(port) if port.isdecimal() else None
        listener = choose_listener(balancer.listeners, wanted_port) if balancer else None
        if balancer is None or listener is None:
            # In AWS the name would not resolve, or nobody would listen.
            return json_answer(404, {"message": f"no load balancer {name!r} with a listener"})
        body = environ["wsgi.input"].read(LIMIT_BYTES + 1)
        trace = trace_header(environ.get("HTTP_X_AMZN_TRACE_ID"), self.around.clock.now())
        request = read_request(environ, environ["PATH_INFO"], body, trace)
        headers = {**request.headers, "x-forwarded-port": str(listener.port)}
        request = replace(request, headers=headers)
        try:
            if len(body) > LIMIT_BYTES:
                raise BalancerError(413, f"the body has more than {LIMIT_BYTES} bytes")
            return self._act(choose_rule(listener, request).actions, request, balancer)
        except BalancerError as error:
            self._tell(balancer.name, request.path, error)
            return _page(error.status)

    def _act(
        self, actions: Iterable[Action], request: HttpRequest, balancer: LoadBalancer
    ) -> HttpAnswer:
        for action in actions:
            if action.kind == "fixed-response":
                return _fixed_response(action)
            if action.kind == "redirect":
                status, location = redirect(action.config, request)
                return HttpAnswer(status=status, headers=(("Location", location),))
            if action.kind == "forward":
                return self._forward(action, request, balancer)
            message = f"{action.kind} actions are not built in this emulator"
            return json_answer(501, {"message": message})
        raise BalancerError(503, "the rule has no action")

    def _forward(self, action: Action, request: HttpRequest, balancer: LoadBalancer) -> HttpAnswer:
        arns = [arn for arn, _ in action.targets]
        weights = [weight for _, weight in action.targets]
        if not any(weights):
            raise BalancerError(503, "no target group has a weight")
        (arn,) = random.choices(arns, weights)
        group = self._balancers.target_group(arn)
        if group is None or not group.targets:
            raise BalancerError(503, f"no target is registered with {arn}")
        if group.kind != "lambda":
            message = f"targets of type {group.kind} are not built in this emulator"
            return json_answer(501, {"message": message})
        return self._invoke(group, request, balancer.idle_timeout_s)

    def _invoke(self, group: TargetGroup, request: HttpRequest, timeout_s: float) -> HttpAnswer:
        event: dict[str, Any] = build_event(request, group.arn, is_multi_value=group.is_multi_value)
        try:
            result = self._calls.run(
                group.targets[0],  # a target group holds one function
                event,
                source_arn=group.arn,
                account=group.account,
                timeout_s=timeout_s,
                trace=request.headers.get("x-amzn-trace-id"),
            )
        except TookTooLong as error:
            raise BalancerError(504, f"{error}: no answer yet") from error
        except (NotAllowed, LambdaError) as error:
            raise BalancerError(502, str(error)) from error
        if result.function_error:
            raise BalancerError(502, "the function failed")
        answer = parse_response(result.payload, is_multi_value=group.is_multi_value)
        if answer is None:
            raise BalancerError(502, "the function's answer is no response of a target")
        return answer

    def _tell(self, balancer: str, path: str, error: BalancerError) -> None:
        self.around.reporter.event(
            "elb.refused",
            balancer=balancer,
            path=path,
            status=error.status,
            reason=str(error),
        )


def _fixed_response(action: Action) -> HttpAnswer:
    config = action.config
    return HttpAnswer(
        status=int(config["StatusCode"]),
        headers=(("Content-Type", config.get("ContentType") or "text/plain; charset=utf-8"),),
        body=(config.get("MessageBody") or "").encode(),
    )


def _page(status: int) -> HttpAnswer:
    title = _TITLES[status]
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return HttpAnswer(status=status, headers=(("Content-Type", "text/html"),), body=page.encode())
