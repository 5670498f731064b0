// The rules for handlers made by `awslambda.streamifyResponse`: they write their answer to a
// stream, and their promise settles when they are done. Source: aws-lambda-ric, spec/
// execution-environment.md section 4.

import { errorAnswer } from './invocation.mjs';
import { logError } from './logging.mjs';
import { ResponseStream } from './response_stream.mjs';

const NOT_ASYNC = 'Streaming does not support non-async handlers.';
const NOT_FINISHED = 'Response stream is not finished.';

export class StreamingInvocation {
  #api;
  #requestId;
  #stream;
  #misuse;
  #isOver = false;
  #waitsForEmptyEventLoop;
  /** Called when the event loop runs empty. */
  onEmptyEventLoop = () => this.fail(this.#misuse(NOT_FINISHED));

  /** api: for the next event. isModern: from nodejs24.x on; Lambda's rules differ in details. */
  constructor(api, requestId, { address, highWaterMark, isModern }) {
    this.#api = api;
    this.#requestId = requestId;
    this.#stream = new ResponseStream(address, requestId, highWaterMark);
    this.#waitsForEmptyEventLoop = !isModern;
    this.#misuse = isModern ? (text) => new Error(text) : (text) => text;
  }

  /** Run the handler once. readEvent() and readContext() may throw. */
  async run(handler, readEvent, readContext) {
    try {
      const event = readEvent();
      const context = Object.assign(this.#ownContext(), readContext());
      const promise = handler(event, this.#stream.writable, context);
      if (typeof promise?.then !== 'function') throw this.#misuse(NOT_ASYNC);
      const result = await promise;
      if (result !== undefined) console.warn('Streaming handlers ignore return values.');
      await this.#stream.done; // what it piped into the stream may go on after it has returned
      if (!this.#stream.isFinished) throw this.#misuse(NOT_FINISHED);
      this.#askForNext();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Tell of an error, behind what was written where something was. */
  async fail(error) {
    if (this.#isOver) return;
    this.onEmptyEventLoop = () => {};
    logError('Invoke Error', error);
    if (!this.#stream.isEnded && !this.#stream.isDestroyed)
      this.#stream.endWithError(errorAnswer(error));
    await this.#stream.done; // of a destroyed one: never, the process ends
    this.#askForNext();
  }

  /** Tell of an error as the last words of this process; an answer that has begun breaks off. */
  async sendLast(error) {
    if (this.#isOver || this.#stream.hasBegun) return;
    this.#isOver = true;
    this.#stream.drop();
    await this.#api.lastAnswer(this.#requestId, { path: '/error', ...errorAnswer(error) });
  }

  #askForNext() {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#waitsForEmptyEventLoop) this.onEmptyEventLoop = onlyOnce(() => this.#api.next());
    else this.#api.next();
  }

  // Up to nodejs22.x what is left in the event loop is run before the invocation ends; the caller
  // has the whole response by then.
  #ownContext() {
    if (!this.#waitsForEmptyEventLoop) return {};
    const waits = () => this.#waitsForEmptyEventLoop;
    const setWaits = (value) => (this.#waitsForEmptyEventLoop = value);
    return Object.defineProperty({}, 'callbackWaitsForEmptyEventLoop', {
      get: waits,
      set: setWaits,
      enumerable: true,
    });
  }
}

function onlyOnce(work) {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
