// The rules for handlers from nodejs24.x on: at most two parameters, and what the handler returns
// or its promise settles with is the answer. Anything else ends the process, as Node itself would.
// Source: aws-lambda-ric 4, spec/invoke.md section 5.2.

import { CallbackHandlerDeprecated, JSONStringifyError } from './errors.mjs';

export const idOutsideInvocation = '-';
export const initErrorHeadline = 'Init Error';
export const StringifyError = JSONStringifyError;

/** Refuse a handler that expects a callback. */
export function admit(handler) {
  if (handler.length < 3) return;
  throw new CallbackHandlerDeprecated(
    'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
      'You need to modify this function to use a supported handler signature to use Node.js 24 or later. ' +
      'For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
  );
}

export function watchProcess() {}

/** Run the handler once. readEvent() and readContext() may throw. */
export async function run(handler, invocation, readEvent, readContext) {
  try {
    invocation.succeed(await handler(readEvent(), readContext()));
  } catch (error) {
    invocation.fail(error);
  }
  setImmediate(() => invocation.send());
}
