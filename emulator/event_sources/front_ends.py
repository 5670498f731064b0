"""API Gateway and load balancers as one application."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.event_sources.api_gateway.front import ApiGateway
from emulator.event_sources.load_balancer import BALANCER, LoadBalancerFront


class FrontEnds:
    """Tells them apart by `Host`. Any thread may call."""

    def __init__(self, apis: ApiGateway, balancers: LoadBalancerFront) -> None:
        self._apis = apis
        self._balancers = balancers

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        one = self._balancers if _is_balancer(environ) else self._apis
        return one.wsgi(environ, start_response)

    def allows_origin(self, environ: WSGIEnvironment, origin: str) -> bool:
        """Whether the CORS rules of the API that is asked let in pages of `origin`."""
        return not _is_balancer(environ) and self._apis.allows_origin(environ, origin)


def _is_balancer(environ: WSGIEnvironment) -> bool:
    return BALANCER in environ["HTTP_HOST"].lower()
