// The rules for handlers up to nodejs22.x: a promise, a callback or context.done, whichever is
// first. Source: spec/execution-environment.md section 4, spec/invoke.md section 5.2.

import { NodeJsExit, UnhandledPromiseRejection } from './errors.mjs';
import { errorAnswer } from './invocation.mjs';
import { logError } from './logging.mjs';

const CALLBACK_WARNING =
  'AWS Lambda plans to remove support for callback-based function handlers starting with Node.js 24. ' +
  'You will need to update this function to use an async handler to use Node.js 24 or later. ' +
  'For more information and to provide feedback on this change, see ' +
  'https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/issues/137. ' +
  'To disable this warning, set the AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING environment variable.';
const NEVER_SETTLED =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused ' +
  'by a Promise that was never settled. For more information, see ' +
  'https://nodejs.org/docs/latest/api/process.html#exit-codes';
const WARNED_FROM = 20; // nodejs20.x

export const idOutsideInvocation = 'undefined';
export const initErrorHeadline = 'Uncaught Exception';
export const StringifyError = Error;

/** Warn of a handler that Node.js 24 will refuse. */
export function admit(handler, runtimeVersion) {
  const isMuted = process.env.AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING !== undefined;
  if (handler.length === 3 && !isAsync(handler) && !isMuted && runtimeVersion >= WARNED_FROM) {
    console.warn(CALLBACK_WARNING);
  }
}

/** Answer for the handler when the event loop runs empty or the process is about to die. */
export function watchProcess(api, currentInvocation) {
  const die = async (headline, error, exitCode) => {
    logError(headline, error);
    // A request behind a poll would wait for the next event; and nobody is left to be told.
    if (!api.isPolling)
      await (currentInvocation()?.sendLast(error) ?? api.initError(errorAnswer(error)));
    process.exit(exitCode);
  };
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129));
  process.on('unhandledRejection', (reason, promise) => {
    const error = Object.assign(new UnhandledPromiseRejection(reason), { reason, promise });
    die('Unhandled Promise Rejection', error, 128);
  });
  process.on('beforeExit', () => currentInvocation()?.onEmptyEventLoop());
}

/** Run the handler once. readEvent() and readContext() may throw. */
export function run(handler, invocation, readEvent, readContext) {
  const settle = (error, result) =>
    isGiven(error) ? invocation.fail(error) : invocation.succeed(result);
  const answer = (error, result) => {
    settle(error, result);
    invocation.send();
  };
  let isFinished = false;
  const firstOnly =
    (finish) =>
    (...values) => {
      if (isFinished) return;
      isFinished = true;
      finish(...values);
    };
  let waitsForEmptyEventLoop = true;
  const callback = firstOnly((error, result) => {
    if (isGiven(error) || !waitsForEmptyEventLoop) answer(error, result);
    else invocation.onEmptyEventLoop = () => answer(null, result);
  });
  const finishers = {
    get callbackWaitsForEmptyEventLoop() {
      return waitsForEmptyEventLoop;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      waitsForEmptyEventLoop = value;
    },
    succeed: firstOnly((result) => answer(null, result)),
    fail: firstOnly((error) => answer(error ?? 'handled')),
    done: firstOnly(answer),
  };
  const settlePromise = firstOnly((error, result) => {
    settle(error, result);
    setImmediate(() => invocation.send()); // rejections of this turn come first: they end the process
  });
  invocation.onEmptyEventLoop = firstOnly(() =>
    answer(isAsync(handler) ? new NodeJsExit(NEVER_SETTLED) : null),
  );
  try {
    const result = handler(readEvent(), Object.assign(finishers, readContext()), callback);
    if (typeof result?.then === 'function') {
      result.then(
        (value) => settlePromise(null, value),
        (error) => settlePromise(error ?? 'handled'),
      );
    }
  } catch (error) {
    callback(error);
  }
}

function isGiven(error) {
  return error !== undefined && error !== null;
}

function isAsync(handler) {
  return handler.constructor?.name === 'AsyncFunction';
}
