// Client of Lambda's Runtime API: one keep-alive connection, spec/runtime-api.md section 1.

import net from 'node:net';
import { ResponseReader } from './response_reader.mjs';

const ROOT = '/2018-06-01/runtime';

export class RuntimeApi {
  #host;
  #socket;
  #waiting = []; // what to do with the responses still to come, oldest first
  #onEvent;
  /** True from asking for an event until it is there. */
  isPolling = false;

  /** address: host:port. The process ends quietly when the server closes the connection. */
  constructor(address) {
    const [, host, port] = /^(.*):(\d+)$/.exec(address);
    const reader = new ResponseReader((...response) => this.#waiting.shift()(...response));
    this.#host = address;
    this.#socket = net.connect(Number(port), host);
    this.#socket.setNoDelay(true);
    this.#socket.unref();
    this.#socket.on('data', (chunk) => reader.push(chunk));
    this.#socket.on('error', (error) => {
      if (error.syscall === 'connect') process.stderr.write(`Runtime API: ${error.message}\n`);
    });
    this.#socket.on('close', () => process.exit(0));
  }

  /** Ask for the first event, which ends the init phase. onEvent(headers, body) gets each event. */
  start(onEvent) {
    this.#onEvent = onEvent;
    this.#send(this.#poll());
  }

  /** Ask for the next event, where the answer to the last one went another way. */
  next() {
    this.#send(this.#poll());
  }

  /** Post what came of an invocation and ask for the next event, in one segment. */
  answer(requestId, answer) {
    this.#send(
      this.#post(`/invocation/${requestId}${answer.path}`, answer, () => {}) + this.#poll(),
    );
  }

  /** Post what came of an invocation; resolves when the server has it. For a process that ends. */
  lastAnswer(requestId, answer) {
    return this.#postAndWait(`/invocation/${requestId}${answer.path}`, answer);
  }

  /** Post why the init phase failed; resolves when the server has it. */
  initError(answer) {
    return this.#postAndWait('/init/error', answer);
  }

  #postAndWait(path, answer) {
    return new Promise((resolve) => this.#send(this.#post(path, answer, resolve)));
  }

  #post(path, { body, errorType }, onResponse) {
    this.#waiting.push(onResponse); // whatever the status: a refused answer was the server's to report
    const typeHeader = errorType ? `Lambda-Runtime-Function-Error-Type: ${errorType}\r\n` : '';
    return (
      this.#head('POST', path) +
      `Content-Type: application/json\r\n${typeHeader}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    );
  }

  #poll() {
    this.isPolling = true;
    this.#waiting.push((status, headers, body) => {
      if (status !== 200) {
        process.stderr.write(`Runtime API refused the next event: ${status} ${body}\n`);
        process.exit(1);
      }
      // While the handler runs only its own work keeps the event loop busy: `beforeExit` tells.
      this.#socket.unref();
      this.isPolling = false;
      this.#onEvent(headers, body);
    });
    return this.#head('GET', '/invocation/next') + '\r\n';
  }

  #head(method, path) {
    return `${method} ${ROOT}${path} HTTP/1.1\r\nHost: ${this.#host}\r\nUser-Agent: lambda-emulator-node/${process.versions.node}\r\n`;
  }

  #send(text) {
    this.#socket.ref();
    this.#socket.write(text);
  }
}
