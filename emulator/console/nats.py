"""The console's page of NATS bindings."""

from typing import Any, Final

from flask import Response, request

from emulator.console.answers import json_answer
from emulator.console.asked_function import asked_function
from emulator.console.parameters import BadParameterError, Parameters
from emulator.console.rooms import Rooms
from emulator.model.triggers.nats import NatsBinding, NatsTrigger, as_document

_TEXTS: Final = ("subject", "queue", "stream", "consumer", "dead_letter")


class NatsViews:
    """`/_emulator/nats`: what is bound, by method. Any thread may call; it keeps nothing."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def show(self) -> Response:
        """The server, and every binding."""
        status = self._rooms.nats().status()
        document = {
            "url": status.url,
            "connected": status.is_connected,
            "dropped": status.dropped,
            "bindings": [_document(binding) for binding in status.bindings],
        }
        return json_answer(document)

    def bind(self) -> Response:
        """Bind a subject to a function: the binding as it now stands."""
        names = ("function", *_TEXTS, "max_deliver", "ack_wait_s")
        body = Parameters.of_body(request.get_data(), *names)
        version = asked_function(self._rooms.functions(), body.text("function"))
        trigger = _trigger(body)
        try:
            is_new = self._rooms.nats().add(trigger, version.arn)
        except OSError as error:  # it could not be written
            return json_answer({"message": f"The emulator's machine refuses: {error}"}, 500)
        binding = next(
            each
            for each in self._rooms.nats().status().bindings
            if (each.trigger, each.function_arn) == (trigger, version.arn)
        )
        return json_answer({"new": is_new, **_document(binding)})

    def unbind(self) -> Response:
        """Take back what was bound by command; says 404 when there was nothing."""
        query = Parameters(request.args, "function", "subject")
        subject, function = query.text("subject") or "", query.text("function") or ""
        removed = self._rooms.nats().remove(subject, function)
        if not removed:
            text = f'subject "{subject}" is not bound to function "{function}"'
            return json_answer({"message": f"{text}. See: lambda-emulator nats list"}, 404)
        if any(binding.is_declared for binding in removed):
            text = f'subject "{subject}" is bound to function "{function}" by emulator.toml'
            return json_answer({"message": f"{text}: take the trigger out there"}, 409)
        return json_answer({"removed": [_document(binding) for binding in removed]})


def _trigger(body: Parameters) -> NatsTrigger:
    max_deliver = body.count("max_deliver", 1) if body.text("max_deliver") else None
    trigger = NatsTrigger(
        **{name: body.text(name) or "" for name in _TEXTS},
        max_deliver=max_deliver,
        ack_wait_s=body.seconds("ack_wait_s", 0.0) or None,
    )
    for name, problem in trigger.problems():
        raise BadParameterError(name, f"{name}: {problem}")
    return trigger


def _document(binding: NatsBinding) -> dict[str, Any]:
    return {
        **as_document(binding.trigger),
        "function": binding.function_arn.rpartition(":")[2],
        "function_arn": binding.function_arn,
        "declared": binding.is_declared,
        "state": binding.state,
    }
