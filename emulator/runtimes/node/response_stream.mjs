// The stream that a streaming handler writes to: a request of the Runtime API with a chunked body.
// Loaded for streaming handlers only: `node:http` takes its time.

import http from 'node:http';
import net from 'node:net';
import { InvalidStreamingOperation } from './errors.mjs';

const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type';
const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body';
const METHODS = [
  ...['cork', 'destroy', 'end', 'uncork', 'write', 'setContentType'],
  ...['addListener', 'emit', 'eventNames', 'getMaxListeners', 'listenerCount', 'listeners'],
  ...['off', 'on', 'once', 'prependListener', 'prependOnceListener', 'rawListeners'],
  ...['removeAllListeners', 'removeListener', 'setMaxListeners'],
];
const SETTABLE = ['destroyed', 'writable', '_onBeforeFirstWrite'];
const READABLE = [
  ...['writableCorked', 'writableEnded', 'writableFinished', 'writableHighWaterMark'],
  ...['writableLength', 'writableNeedDrain', 'writableObjectMode'],
];

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

export class ResponseStream {
  #request;
  #isWrittenTo = false;
  /** What the handler gets: of the request only what makes it a writable stream. */
  writable;
  /** Settles when the server has the whole response, or the connection broke. */
  done;

  /** address: host:port of the Runtime API. */
  constructor(address, requestId, highWaterMark) {
    const [, host, port] = /^(.*):(\d+)$/.exec(address);
    agent.createConnection = (options, onConnect) =>
      net.createConnection({ ...options, highWaterMark, noDelay: true }, onConnect);
    this.#request = http.request({
      agent,
      host,
      port,
      method: 'POST',
      path: `/2018-06-01/runtime/invocation/${requestId}/response`,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Lambda-Runtime-Function-Response-Mode': 'streaming',
        Trailer: [ERROR_TYPE, ERROR_BODY],
        'Transfer-Encoding': 'chunked',
      },
    });
    this.done = this.#whenDone();
    // As in Lambda: a stream that breaks is an unhandled rejection, which ends the process.
    this.done.then(() => {});
    this.#letEventLoopRunEmpty();
    this.#interceptWrites();
    this.writable = facade(this.#request);
  }

  /** True once bytes of it may have left. */
  get hasBegun() {
    return this.#request.headersSent;
  }

  get isEnded() {
    return this.#request.writableEnded;
  }

  get isFinished() {
    return this.#request.writableFinished;
  }

  get isDestroyed() {
    return this.#request.destroyed;
  }

  /** End with an error; body and errorType as the Runtime API wants them. */
  endWithError({ body, errorType }) {
    this.#request.addTrailers({
      [ERROR_TYPE]: errorType,
      [ERROR_BODY]: Buffer.from(body).toString('base64'),
    });
    this.#request.end();
  }

  /** Drop the connection, as if nothing had been asked. */
  drop() {
    this.#request.removeAllListeners('error').on('error', () => {}).destroy();
  }

  #whenDone() {
    return new Promise((resolve, reject) => {
      this.#request.on('response', (response) => {
        response.resume(); // whatever it says: a refused answer was the server's to report
        response.on('end', resolve);
      });
      this.#request.on('error', reject);
    });
  }

  // Bytes on their way keep the process alive by themselves. A stream that merely is open does
  // not: so an empty event loop tells that nobody will end it any more.
  #letEventLoopRunEmpty() {
    let isWaiting = false; // for the server's answer
    this.#request.on('socket', (socket) => {
      if (!isWaiting) socket.unref();
      this.#request.on('finish', () => {
        isWaiting = true;
        socket.ref();
      });
    });
  }

  #interceptWrites() {
    const request = this.#request;
    const write = request.write.bind(request);
    request.setContentType = (type) => {
      if (this.#isWrittenTo)
        throw new InvalidStreamingOperation('Cannot set content-type, too late.');
      request.setHeader('Content-Type', type);
    };
    // `end` does not come this way: as in Lambda, a prelude is sent by the first `write` only.
    request.write = (chunk, encoding, callback) => {
      const isRaw = typeof chunk === 'string' || chunk instanceof Uint8Array;
      if (!this.#isWrittenTo) request._onBeforeFirstWrite?.((part) => write(part));
      this.#isWrittenTo = true;
      return write(isRaw ? chunk : JSON.stringify(chunk), encoding, callback);
    };
  }
}

function facade(request) {
  const stream = {};
  for (const name of METHODS) stream[name] = request[name].bind(request);
  for (const name of [...SETTABLE, ...READABLE]) {
    const get = () => request[name];
    const set = SETTABLE.includes(name) ? (value) => (request[name] = value) : undefined;
    Object.defineProperty(stream, name, { get, set });
  }
  return stream;
}
