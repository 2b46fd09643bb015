/** Damage: edits of bytes, of the kinds that parsers trip over. A list of edits can be shrunk. */
import type { Random } from '../support/random.js';

/** Puts `insert` in the place of `remove` bytes. Positions count from the start of what is left of the input, modulo. */
export interface Edit {
  at: number;
  remove: number;
  insert: Uint8Array;
}

/** Lengths and numbers at the edges of their forms, in the encodings of RDB, listpacks, ziplists, intsets and streams. */
const EDGES: readonly Uint8Array[] = [
  ...['00', 'ff', '7f', '80', '01', 'fe', '3f', '40', '7fff', '4000', '80ffffffff', '8000000000', '807fffffff'],
  ...['81ffffffffffffffff', '81001fffffffffffff', '810000000100000000', '8100000000ffffffff', '8120000000000000'],
  ...['c0ff', 'c18000', 'c2ffffff7f', 'c3', 'c30401', 'c3808000000004', 'c38100000000ffffffff04'],
  ...['e0', 'f0', 'f1ffff', 'f2ffffff', 'f3ffffffff', 'f4ffffffffffffff7f', 'efff', 'f0ffffffff', 'dfff'],
  ...['ffffffff', 'ffff', '00000000', '0000', '00000080', 'ffffff7f', '0000000000000080', 'ffffffffffffffff'],
  ...['ffffffffffffff7f', '000000000000f07f', '000000000000f0ff', '000000000000f87f', '02000000', '04000000'],
  ...['08000000', '00000000000000000000000000000000', 'ffffffffffffffffffffffffffffffff', '2d31', '2d', '30'],
  ...['0d0a', '24', '2a', '2d310d0a', '39393939393939393939'],
].map((hex) => Buffer.from(hex, 'hex'));

const EMPTY = new Uint8Array(0);

/** One edit that changes a byte or a few of them. */
function drawEdit(r: Random, bytes: number): Edit {
  const at = r.below(Math.max(1, bytes));
  const kind = r.below(100);
  if (kind < 45) return { at, remove: 1, insert: Uint8Array.of(r.below(256)) };
  if (kind < 75) {
    const insert = r.pick(EDGES);
    return { at, remove: insert.length, insert };
  }
  if (kind < 82) return { at, remove: 1, insert: r.pick(EDGES) };
  if (kind < 90) return { at, remove: 1 + r.below(4), insert: EMPTY };
  if (kind < 97) return { at, remove: 0, insert: Uint8Array.from({ length: 1 + r.below(4) }, () => r.below(256)) };
  return { at, remove: 1 + r.below(1 + r.below(bytes)), insert: EMPTY };
}

/** One to eight edits of an input of so many bytes. */
export function drawEdits(r: Random, bytes: number): Edit[] {
  const count = 1 + r.below(1 + r.below(8));
  const edits: Edit[] = [];
  // Damage is often found where it was not alone: half of the time the places are near each other.
  const near = r.chance(50) ? r.below(Math.max(1, bytes)) : -1;
  for (let i = 0; i < count; i++) {
    const edit = drawEdit(r, bytes);
    if (near >= 0) edit.at = Math.max(0, near + r.below(24) - 8);
    edits.push(edit);
  }
  return edits;
}

export function applyEdits(input: Uint8Array, edits: readonly Edit[]): Buffer {
  let bytes = Buffer.from(input);
  for (const { at, remove, insert } of edits) {
    const from = bytes.length === 0 ? 0 : at % bytes.length;
    if (remove === insert.length) {
      bytes.set(insert.subarray(0, bytes.length - from), from);
    } else {
      bytes = Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(Math.min(bytes.length, from + remove))]);
    }
  }
  return bytes;
}
