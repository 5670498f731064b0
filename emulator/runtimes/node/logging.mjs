// Output of the function: console lines in Lambda's form, everything written before it returns.

import fs from 'node:fs';
import util from 'node:util';
import { toLogText } from './errors.mjs';
import { jsonLine } from './json_log.mjs';

const LEVELS = {
  trace: 'TRACE',
  debug: 'DEBUG',
  info: 'INFO',
  log: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
  fatal: 'FATAL',
};
const PIPE_FULL_WAIT_MS = 1;
const never = new Int32Array(new SharedArrayBuffer(4));

const ORDER = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

let requestId;
let tenantId;
let logsJson = false;
let least = 0; // index of the lowest level that is logged

/** Put `id`, and the tenant's where there is one, into the lines that follow. */
export function setRequestId(id, tenant) {
  requestId = id;
  tenantId = tenant;
}

/** Take format and level from the environment, which a waiting process gets late. */
export function configureLog() {
  logsJson = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
  least = logsJson ? ORDER.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO') : 0;
}

/** Make `console` write Lambda's lines, and stdout and stderr lose nothing when the process dies. */
export function patchOutput() {
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method] = (message, ...values) => {
      if (ORDER.indexOf(level) < least) return;
      writeFully(1, formatted(level, [message, ...values]) + '\n');
    };
  }
  writeAtOnce(process.stdout, 1);
  writeAtOnce(process.stderr, 2);
}

/** Log an error as Lambda does: a headline and the error as JSON. */
export function logError(headline, error) {
  if (logsJson) console.error(headline, error instanceof Error ? error : new Error(error));
  else console.error(headline, toLogText(error));
}

function formatted(level, values) {
  const timestamp = new Date().toISOString();
  if (logsJson) return jsonLine({ timestamp, level, requestId, tenantId }, values);
  const line = `${timestamp}\t${requestId}\t${level}\t${util.format(...values)}`;
  return line.replaceAll('\n', '\r');
}

// Node queues what a full pipe does not take, and a frozen or killed process never sends it.
function writeAtOnce(stream, fd) {
  stream._write = (chunk, encoding, done) => {
    writeFully(fd, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    done();
  };
  stream._writev = null;
}

function writeFully(fd, data) {
  let left = typeof data === 'string' ? Buffer.from(data) : data;
  while (left.length > 0) {
    try {
      left = left.subarray(fs.writeSync(fd, left));
    } catch (error) {
      if (error.code === 'EPIPE') return; // nobody reads any more
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(never, 0, 0, PIPE_FULL_WAIT_MS); // Node made the pipe non-blocking, and it is full
    }
  }
}
