// Runs in Node's thread for hooks: where ES modules of a function find packages of its layers.

let folders; // URLs: the function's own, and that of the layers' packages for its Node version

export function initialize(data) {
  folders = data;
}

/** Look for a package in the function, then as if from beside the layers' packages. */
export async function resolve(specifier, context, next) {
  const isPackage = !/^([./#]|[a-z]+:)/.test(specifier);
  if (!isPackage || !context.parentURL?.startsWith(folders.task)) return next(specifier, context);
  const own = await attempt(() => next(specifier, context));
  if (own.found && !own.found.url.startsWith('file:')) return own.found; // of Node itself
  if (own.found?.url.startsWith(folders.task)) return own.found;
  const parentURL = `${folders.layer}/`;
  const { found } = await attempt(() => next(specifier, { ...context, parentURL }));
  if (found ?? own.found) return found ?? own.found;
  throw own.error;
}

async function attempt(look) {
  try {
    return { found: await look() };
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return { error };
  }
}
