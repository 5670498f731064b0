// One console call as a JSON object: spec/execution-environment.md section 6.

import util from 'node:util';

/** head: timestamp, level, requestId, …; values: what the console method was called with. */
export function jsonLine(head, values) {
  if (values.length === 1) return withMessage(head, values[0]);
  const error = values.find((value) => value instanceof Error);
  const message = util.format(...values);
  return JSON.stringify({ ...head, message, ...(error ? describe(error) : {}) });
}

function withMessage(head, message) {
  try {
    return JSON.stringify({ ...head, message }, (_key, value) =>
      value instanceof Error ? { ...describe(value), ...value } : value,
    );
  } catch {
    return JSON.stringify({ ...head, message: util.format(message) }); // circular, or a BigInt
  }
}

function describe(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : [],
  };
}
