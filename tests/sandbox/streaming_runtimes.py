"""Custom runtimes that stream, as their authors would write them.

The one in Python streams what the event lists under `chunks`, then as many `blocks` of 64 KiB. It
knows `wait_for`, a port of this machine at which it waits before the second chunk, `fail`, an error
at the end, and `do`, a way to misbehave after the first chunk.
"""

IN_PYTHON = """#!/usr/bin/env python3
import base64, http.client, json, os, socket, time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = "/2018-06-01/runtime/invocation/"
ERROR_TYPE, ERROR_BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"


def wait_for(port):
    with socket.create_connection(("127.0.0.1", port)) as gate:
        gate.recv(1)


def chunks_of(event):
    first, *rest = event.get("chunks", ["one ", "two"])
    yield first.encode()
    do = event.get("do")
    if do == "exit":
        os._exit(3)
    if do == "hang":
        time.sleep(60)
    if event.get("wait_for"):
        wait_for(event["wait_for"])
    for chunk in rest:
        yield chunk.encode()
    block = bytes(65536)
    for _ in range(event.get("blocks", 0)):
        yield block


def stream(connection, request_id, event):
    connection.putrequest("POST", ROOT + request_id + "/response")
    connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Trailer", ERROR_TYPE + ", " + ERROR_BODY)
    connection.putheader("Content-Type", event.get("type", "text/plain"))
    connection.endheaders()
    for chunk in chunks_of(event):
        connection.send(b"%x\\r\\n%s\\r\\n" % (len(chunk), chunk))
        if event.get("do") == "cut":
            connection.close()
            return
    if event.get("fail"):
        body = json.dumps({"errorType": "Runtime.Midway", "errorMessage": event["fail"]})
        encoded = base64.b64encode(body.encode()).decode()
        trailers = f"{ERROR_TYPE}: Runtime.Midway\\r\\n{ERROR_BODY}: {encoded}\\r\\n\\r\\n"
        connection.send(b"0\\r\\n" + trailers.encode())
    else:
        connection.send(b"0\\r\\n\\r\\n")
    answer = connection.getresponse()
    print("told", answer.status, answer.read().decode().strip(), flush=True)


while True:
    connection = http.client.HTTPConnection(API)
    connection.request("GET", ROOT + "next")
    asked = connection.getresponse()
    event = json.loads(asked.read())
    if "requestContext" in event:  # of a function URL
        event = json.loads(event["body"])
    stream(connection, asked.getheader("Lambda-Runtime-Aws-Request-Id"), event)
    connection.close()
"""

IN_BASH = """#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D "/tmp/head" "$api/next") || exit 1
  id=$(grep -i '^Lambda-Runtime-Aws-Request-Id' /tmp/head | tr -d '[:space:]' | cut -d: -f2)
  { printf 'one '; printf 'two '; echo "$event"; } | curl -sS -T - -X POST \\
    -H 'Lambda-Runtime-Function-Response-Mode: streaming' -H 'Transfer-Encoding: chunked' \\
    -H 'Content-Type: text/plain' "$api/$id/response" > /dev/null
done
"""
