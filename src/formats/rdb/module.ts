/**
 * Module values (type 7) and module auxiliary data: opaque pieces that say their own kind and length, so that they can
 * be kept whole without the module.
 *
 *   module id, 64 bits: nine characters of six bits (the type's name), ten bits version
 *   ([ kind: length ][ piece ])... [ 0 ]       see ModulePiece
 */
import type { RdbInput } from './input.js';
import { ModulePiece } from './types.js';

const NAME_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The type's name in a module id. */
export function moduleName(hi: number, lo: number): string {
  let id = ((BigInt(hi) << 32n) | BigInt(lo)) >> 10n;
  let name = '';
  for (let i = 0; i < 9; i++) {
    name = NAME_CHARS[Number(id & 63n)]! + name;
    id >>= 6n;
  }
  return name;
}

/** Walks over a module value (from its id on) and checks that it is whole. */
export function walkModule(input: RdbInput): void {
  input.length64();
  walkPieces(input);
}

/** Walks over auxiliary data, from the module id on: id, when it is to be loaded, pieces. */
export function walkModuleAux(input: RdbInput): void {
  input.length64();
  const at = input.offset;
  if (input.length() !== ModulePiece.UINT)
    input.corrupt('the time at which module data is loaded', 'another piece', at);
  input.length64();
  walkPieces(input);
}

function walkPieces(input: RdbInput): void {
  for (;;) {
    const at = input.offset;
    const kind = input.length();
    switch (kind) {
      case ModulePiece.EOF:
        return;
      case ModulePiece.SINT:
      case ModulePiece.UINT:
        input.length64();
        break;
      case ModulePiece.FLOAT:
        input.need(4);
        input.pos += 4;
        break;
      case ModulePiece.DOUBLE:
        input.need(8);
        input.pos += 8;
        break;
      case ModulePiece.STRING:
        input.skipString();
        break;
      default:
        input.corrupt('a piece of module data (kind 0 to 5)', `kind ${kind}`, at);
    }
  }
}
