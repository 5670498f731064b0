// Lambda's Node runtime: a small client of the Runtime API around the user's handler.
// Plain start: the environment is the function's. With LAMBDA_EMULATOR_STANDBY_FD: see standby.mjs.

import { defineGlobals, highWaterMark, isStreaming } from './awslambda.mjs';
import * as classic from './classic.mjs';
import { contextMembers, publishTrace } from './context.mjs';
import { errorAnswer, Invocation } from './invocation.mjs';
import { loadHandler } from './loader.mjs';
import { configureLog, logError, patchOutput, setRequestId } from './logging.mjs';
import * as modern from './modern.mjs';
import { RuntimeApi } from './runtime_api.mjs';
import { becomeFunction } from './standby.mjs';

const FIRST_MODERN = 24; // nodejs24.x

patchOutput();
if (process.env.LAMBDA_EMULATOR_STANDBY_FD)
  becomeFunction(Number(process.env.LAMBDA_EMULATOR_STANDBY_FD));
configureLog();
if (process.env.LAMBDA_EMULATOR_DEBUG) {
  const mode = process.env.LAMBDA_EMULATOR_DEBUG;
  delete process.env.LAMBDA_EMULATOR_DEBUG;
  const { letDebuggersIn } = await import('./debugger.mjs');
  await letDebuggersIn(process.env.AWS_LAMBDA_RUNTIME_API, mode);
}

const version = runtimeVersion();
const rules = version >= FIRST_MODERN ? modern : classic;
const address = process.env.AWS_LAMBDA_RUNTIME_API;
const api = new RuntimeApi(address);
let invocation = null;

setRequestId(rules.idOutsideInvocation);
defineGlobals();
rules.watchProcess(api, () => invocation);
const handler = await init();
const run = isStreaming(handler) ? await streamingRunner() : runBuffered;
api.start((headers, body) => {
  const requestId = headers['lambda-runtime-aws-request-id'];
  setRequestId(requestId, headers['lambda-runtime-aws-tenant-id']);
  publishTrace(headers);
  const readEvent = () => JSON.parse(body);
  const readContext = () => contextMembers(headers);
  run(requestId, readEvent, readContext);
});

function runBuffered(requestId, readEvent, readContext) {
  invocation = new Invocation(api, requestId, rules.StringifyError);
  // On a short stack: the user's traces show the handler, not this client.
  process.nextTick(rules.run, handler, invocation, readEvent, readContext);
}

async function streamingRunner() {
  const { StreamingInvocation } = await import('./streaming.mjs');
  const settings = { address, highWaterMark: highWaterMark(handler), isModern: rules === modern };
  if (rules === modern) process.on('beforeExit', () => invocation?.onEmptyEventLoop());
  return (requestId, readEvent, readContext) => {
    invocation = new StreamingInvocation(api, requestId, settings);
    process.nextTick(() => invocation.run(handler, readEvent, readContext));
  };
}

async function init() {
  try {
    const loaded = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
    if (!isStreaming(loaded)) rules.admit(loaded, version);
    return loaded;
  } catch (error) {
    logError(rules.initErrorHeadline, error);
    await api.initError(errorAnswer(error));
    return process.exit(1);
  }
}

// The function may run on another Node than it asked for; the rules are those of what it asked for.
function runtimeVersion() {
  const asked = /_nodejs(\d+)\.x$/.exec(process.env.AWS_EXECUTION_ENV ?? '');
  return Number(asked ? asked[1] : process.versions.node.split('.')[0]);
}
