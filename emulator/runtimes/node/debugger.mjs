// Lets debuggers into a Node function: opens the inspector and tells the emulator its port.

import http from 'node:http';
import inspector from 'node:inspector';

/** mode: "wait" for a debugger before the function is loaded, or "attach" at any time. */
export async function letDebuggersIn(address, mode) {
  inspector.open(0, '127.0.0.1');
  await tell(address, `${new URL(inspector.url()).port} ${process.env.LAMBDA_TASK_ROOT}`);
  if (mode === 'wait') inspector.waitForDebugger();
}

function tell(address, text) {
  return new Promise((resolve) => {
    const headers = { 'Content-Length': Buffer.byteLength(text) };
    const options = { method: 'POST', agent: false, headers };
    const request = http.request(`http://${address}/2026-11-22/debugger`, options, (response) => {
      response.resume();
      response.on('end', resolve);
    });
    request.on('error', resolve);
    request.end(text);
  });
}
