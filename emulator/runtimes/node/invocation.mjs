// One invocation on its way back: settled once by the handler's rules, then sent once.

import { toPayload } from './errors.mjs';
import { logError } from './logging.mjs';

export class Invocation {
  #api;
  #requestId;
  #StringifyError;
  #answer = null;
  #isSent = false;

  /** StringifyError: what a result that is no JSON fails with. */
  constructor(api, requestId, StringifyError) {
    this.#api = api;
    this.#requestId = requestId;
    this.#StringifyError = StringifyError;
  }

  /** Settle with a result; undefined becomes null. */
  succeed(result) {
    let body;
    try {
      body = JSON.stringify(result);
    } catch {
      this.fail(new this.#StringifyError('Unable to stringify response body'));
      return;
    }
    this.#answer ??= { path: '/response', body: body ?? 'null' };
  }

  /** Settle with an error, which may be any value. */
  fail(error) {
    logError('Invoke Error', error);
    this.#answer ??= { path: '/error', ...errorAnswer(error) };
  }

  /** Send what it settled with, and ask for the next event. */
  send() {
    if (this.#isSent) return;
    this.#isSent = true;
    this.#api.answer(this.#requestId, this.#answer);
  }

  /** Send what it settled with, or else `error`, as the last words of this process. */
  sendLast(error) {
    this.#isSent = true;
    return this.#api.lastAnswer(
      this.#requestId,
      this.#answer ?? { path: '/error', ...errorAnswer(error) },
    );
  }
}

/** Body and error type by which the Runtime API learns of an error. */
export function errorAnswer(error) {
  const payload = toPayload(error);
  const errorType = String(payload.errorType).replace(/[^\x20-\x7e]/g, '?'); // it goes into a header
  return { body: JSON.stringify(payload), errorType };
}
