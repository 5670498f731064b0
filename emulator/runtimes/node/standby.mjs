// A process started ahead of time waits here until it learns which function it is to run.

import fs from 'node:fs';
import Module from 'node:module';

/**
 * Wait on `fd` (a blocking socket or pipe) for one line of JSON, `{"env": {…}, "cwd": "…"}`, and
 * become that function's process. End of file in its place: nobody needs this process.
 */
export function becomeFunction(fd) {
  const line = readLine(fd);
  fs.closeSync(fd);
  if (line === null) process.exit(0);
  const { env, cwd } = JSON.parse(line);
  for (const name of Object.keys(process.env)) {
    if (!(name in env)) delete process.env[name];
  }
  Object.assign(process.env, env);
  Module._initPaths(); // NODE_PATH is another one now
  process.chdir(cwd);
}

function readLine(fd) {
  const chunks = [];
  const buffer = Buffer.alloc(65536);
  for (;;) {
    const count = fs.readSync(fd, buffer);
    if (count === 0) return null;
    chunks.push(Buffer.from(buffer.subarray(0, count)));
    if (buffer[count - 1] === 0x0a) return Buffer.concat(chunks).toString();
  }
}
