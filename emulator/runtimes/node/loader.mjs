// Finds the handler that `_HANDLER` names. Rules: spec/execution-environment.md section 4.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  HandlerNotFound,
  ImportModuleError,
  MalformedHandlerName,
  UserCodeSyntaxError,
} from './errors.mjs';
import { findVersionedPackages } from './layers.mjs';

// As if from Lambda's own runtime, so that messages name what they name there.
const require = createRequire('/var/runtime/index.mjs');

/** Load the module of `name` ("dir/module.export.nested") and return the function it names. */
export async function loadHandler(taskRoot, name) {
  if (name.includes('..')) {
    throw new MalformedHandlerName(
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const { dir, base } = path.parse(name);
  const dot = base.indexOf('.');
  if (dot < 0) throw new MalformedHandlerName('Bad handler');
  findVersionedPackages(taskRoot);
  const userModule = await loadModule(taskRoot, dir, base.slice(0, dot));
  const handler = findExport(userModule, base.slice(dot + 1));
  if (!handler) throw new HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new HandlerNotFound(`${name} is not a function`);
  return handler;
}

async function loadModule(taskRoot, folder, name) {
  const file = findFile(path.resolve(taskRoot, folder, name));
  try {
    if (!file)
      return require(require.resolve(name, { paths: [taskRoot, path.join(taskRoot, folder)] }));
    return isEsModule(file) ? await import(pathToFileURL(file)) : require(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw locatedSyntaxError(error, file);
    if (error?.code === 'MODULE_NOT_FOUND') throw new ImportModuleError(error);
    throw error;
  }
}

function findFile(stem) {
  return ['', '.js', '.mjs', '.cjs']
    .map((extension) => stem + extension)
    .find((file) => fs.existsSync(file));
}

function isEsModule(file) {
  if (!file.endsWith('.js')) return file.endsWith('.mjs');
  for (
    let folder = path.dirname(file);
    !folder.endsWith('/node_modules');
    folder = path.dirname(folder)
  ) {
    const manifest = path.join(folder, 'package.json');
    if (fs.existsSync(manifest)) return declaresModules(manifest);
    if (folder === path.dirname(folder)) break;
  }
  return false;
}

function declaresModules(manifest) {
  try {
    return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
  } catch {
    return false; // Node says what is wrong with it when it loads the code
  }
}

function findExport(userModule, name) {
  const find = (root) => name.split('.').reduce((value, key) => value?.[key], root);
  return find(userModule) ?? find(userModule.default);
}

// Node hides where in an ES module the error is, but prints it when asked to check the file.
function locatedSyntaxError(error, file) {
  const located = new UserCodeSyntaxError(String(error));
  located.stack = error.stack;
  if (file && error.stack.startsWith('SyntaxError')) {
    const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
    if (status) located.stack = stderr.trim(); // null: it could not be started, or was killed
  }
  return located;
}
