// Packages of layers for one Node version (`nodejs/node22/node_modules`), where Node does not look itself.
//
// Lambda's Node finds them by NODE_PATH, ES modules too; they go before those for all versions. Here
// links above the function's folder lead to the latter, and Node looks there before NODE_PATH.

import fs from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const VERSIONED = /\/nodejs\/node\d+\/node_modules$/;
const LINKS = ['/var/node_modules', '/node_modules'];

/** Have `require` and `import` of the function find what its layers hold for its version. */
export function findVersionedPackages(taskRoot) {
  const places = (process.env.NODE_PATH ?? '').split(path.delimiter);
  const place = places.find((each) => VERSIONED.test(each));
  if (!place || !fs.existsSync(place)) return;
  const lookUp = Module._nodeModulePaths;
  Module._nodeModulePaths = (from) => lookUp(from).filter((each) => !LINKS.includes(each));
  // Not there before Node 18.19 and 20.6.
  Module.register?.('./layer_hooks.mjs', import.meta.url, {
    data: { task: pathToFileURL(taskRoot).href + '/', layer: pathToFileURL(place).href },
  });
}
