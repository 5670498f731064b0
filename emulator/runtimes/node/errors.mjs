// Errors of the runtime itself, and the forms in which an error leaves it.
// Names, texts and key order: spec/invoke.md section 5.2.

import util from 'node:util';

function errorClass(name) {
  const RuntimeError = class extends Error {};
  RuntimeError.prototype.name = `Runtime.${name}`;
  Object.defineProperty(RuntimeError, 'name', { value: name }); // as a JSON log calls it
  return RuntimeError;
}

export const CallbackHandlerDeprecated = errorClass('CallbackHandlerDeprecated');
export const HandlerNotFound = errorClass('HandlerNotFound');
export const ImportModuleError = errorClass('ImportModuleError');
export const InvalidStreamingOperation = errorClass('InvalidStreamingOperation');
export const JSONStringifyError = errorClass('JSONStringifyError');
export const MalformedHandlerName = errorClass('MalformedHandlerName');
export const MalformedStreamingHandler = errorClass('MalformedStreamingHandler');
export const NodeJsExit = errorClass('NodeJsExit');
export const UnhandledPromiseRejection = errorClass('UnhandledPromiseRejection');
export const UserCodeSyntaxError = errorClass('UserCodeSyntaxError');

/** The object a caller of the function gets for `error`, which may be any value. */
export function toPayload(error) {
  try {
    if (util.types.isNativeError(error) || looksLikeError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
}

/** The text of `error` for the log: a tab and JSON that has the error's own properties too. */
export function toLogText(error) {
  const wrapped = error instanceof Error ? error : new Error(error);
  try {
    return '\t' + JSON.stringify(wrapped, (_key, value) => withHiddenProperties(value));
  } catch {
    return '\t' + JSON.stringify(toPayload(wrapped));
  }
}

function looksLikeError(value) {
  return ['name', 'message', 'stack'].every(
    (key) => value?.[key] && typeof value[key] === 'string',
  );
}

function withHiddenProperties(value) {
  if (!(value instanceof Error)) return value;
  const { name: errorType, message: errorMessage, code, stack } = value;
  const shown = { errorType, errorMessage, code, ...value };
  if (typeof stack === 'string') shown.stack = stack.split('\n');
  return shown;
}
