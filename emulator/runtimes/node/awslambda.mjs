// The global `awslambda`, by which a handler says that it streams, and what it says it with.
// Source: aws-lambda-ric, spec/invoke.md section 1.5.

import { MalformedStreamingHandler } from './errors.mjs';

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const METADATA_TYPE = 'application/vnd.awslambda.http-integration-response';
const DELIMITER = new Uint8Array(8); // NULs, which JSON cannot hold

const HttpResponseStream = {
  /** Have `stream` begin with status, headers and cookies of an HTTP response. */
  from(stream, prelude) {
    stream.setContentType(METADATA_TYPE);
    const metadata = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(metadata);
      write(DELIMITER);
    };
    return stream;
  },
};

/** Give user code the global `awslambda`, unless it opted out. */
export function defineGlobals() {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    streamifyResponse: (handler, options) => {
      handler[STREAMING] = 'response';
      const mark = options?.highWaterMark;
      if (typeof mark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(mark);
      return handler;
    },
    HttpResponseStream,
  };
}

/** Whether `handler` streams; throws for one that wants to stream anything but its response. */
export function isStreaming(handler) {
  const kind = handler[STREAMING] ?? false;
  if (kind !== false && kind !== 'response')
    throw new MalformedStreamingHandler('Only response streaming is supported.');
  return kind !== false;
}

/** Bytes that `handler` wants buffered before `write` says false; undefined: Node's default. */
export function highWaterMark(handler) {
  const mark = Number.parseInt(handler[HIGH_WATER_MARK], 10);
  return Number.isNaN(mark) ? undefined : mark;
}
