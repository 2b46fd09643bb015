/**
 * Function libraries in a log of another server: FUNCTION LOAD, DELETE and FLUSH change what is kept and written back, as an
 * RDB file's libraries are. Nothing of them runs here.
 */
import type { Args } from '../formats/resp/args.js';
import { UnknownCommand } from '../persistence/recovery.js';

/** `#!lua name=mylib`: the first line of a library's source (Redis: functionExtractLibMetaData). */
const NAME = /^#![^\n]*\sname=(\w+)/;

/** Sources of libraries. */
export interface KeptLibraries {
  libraries: Uint8Array[];
}

/** Returns null, or the error that the command answers. Throws UnknownCommand for what cannot be kept (FUNCTION RESTORE). */
export function applyFunction(kept: KeptLibraries, a: Args): string | null {
  if (a.count >= 2 && a.is(1, 'FLUSH')) {
    kept.libraries = [];
    return null;
  }
  if (a.count === 3 && a.is(1, 'DELETE')) {
    const left = kept.libraries.filter((code) => nameOf(code) !== a.latin1(2));
    if (left.length === kept.libraries.length) return 'ERR Library not found';
    kept.libraries = left;
    return null;
  }
  const replace = a.count === 4 && a.is(2, 'REPLACE');
  if (a.count < 3 || !a.is(1, 'LOAD') || (a.count === 4) !== replace || a.count > 4) {
    throw new UnknownCommand(a.count < 2 ? 'FUNCTION' : `FUNCTION ${a.latin1(1)}`);
  }
  const code = Uint8Array.from(a.bytes(a.count - 1));
  const name = nameOf(code);
  if (name === null) return 'ERR Missing library metadata';
  const others = kept.libraries.filter((each) => nameOf(each) !== name);
  if (others.length < kept.libraries.length && !replace) return `ERR Library '${name}' already exists`;
  kept.libraries = [...others, code];
  return null;
}

function nameOf(code: Uint8Array): string | null {
  return NAME.exec(Buffer.from(code.buffer, code.byteOffset, code.length).toString('latin1'))?.[1] ?? null;
}
