/**
 * BITOP: strings combined bit by bit. Shorter ones count as padded with zeros, missing keys as empty.
 *
 * The sources lie anywhere in the arena; each is copied piece by piece to where words are aligned and combined there,
 * 32 bits at a time.
 */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { Encoding, ItemType, itemValueBytes, itemValueIndex } from '../memory/item.js';
import type { Context } from './context.js';
import { SYNTAX } from './errors.js';

const NOT_OF_MANY = new CommandError('ERR BITOP NOT must be called with a single source key.');

const PIECE = new Uint8Array(16384);
const PIECE_WORDS = new Uint32Array(PIECE.buffer);

type Operation = 'AND' | 'OR' | 'XOR' | 'NOT';

function operationArg(a: Args, i: number): Operation {
  for (const operation of ['AND', 'OR', 'XOR', 'NOT'] as const) if (a.is(i, operation)) return operation;
  throw SYNTAX;
}

export function bitop(c: Context, a: Args): void {
  const { arena } = c.keyspace;
  const operation = operationArg(a, 1);
  if (operation === 'NOT' && a.count !== 4) throw NOT_OF_MANY;
  const sources: number[] = [];
  let bytes = 0;
  for (let i = 3; i < a.count; i++) {
    const entry = c.readType(a, i, ItemType.STRING);
    sources.push(entry);
    if (entry !== 0) bytes = Math.max(bytes, itemValueBytes(arena, entry));
  }
  // Whole words, so that the last bytes need no code of their own.
  const words = new Uint32Array((bytes + 3) >>> 2);
  const result = new Uint8Array(words.buffer, 0, bytes);
  sources.forEach((entry, k) => {
    const len = entry === 0 ? 0 : itemValueBytes(arena, entry);
    const buf = entry === 0 ? PIECE : arena.bytesOf(entry);
    const off = entry === 0 ? 0 : itemValueIndex(arena, entry);
    if (k === 0) result.set(buf.subarray(off, off + len));
    else combine(words, result, buf, off, len, operation);
  });
  if (operation === 'NOT') for (let w = 0; w < words.length; w++) words[w] = ~words[w]!;
  storeResult(c, a, result);
}

/** Combines `result` with `buf[off, off + len)`; `words` are the result's. */
function combine(
  words: Uint32Array,
  result: Uint8Array,
  buf: Uint8Array,
  off: number,
  len: number,
  operation: Operation,
): void {
  for (let at = 0; at < len; at += PIECE.length) {
    const bytes = Math.min(PIECE.length, len - at);
    PIECE.set(buf.subarray(off + at, off + at + bytes));
    if ((bytes & 3) !== 0) PIECE.fill(0, bytes, (bytes + 3) & ~3);
    const first = at >>> 2;
    const count = (bytes + 3) >>> 2;
    if (operation === 'AND') for (let w = 0; w < count; w++) words[first + w]! &= PIECE_WORDS[w]!;
    else if (operation === 'OR') for (let w = 0; w < count; w++) words[first + w]! |= PIECE_WORDS[w]!;
    else for (let w = 0; w < count; w++) words[first + w]! ^= PIECE_WORDS[w]!;
  }
  if (operation === 'AND') result.fill(0, len);
}

function storeResult(c: Context, a: Args, result: Uint8Array): void {
  const { db, keyspace } = c;
  const off = a.off[2]!;
  const len = a.len[2]!;
  if (result.length > 0) {
    const sizeBefore = db.size;
    const expiredBefore = keyspace.expiredKeys;
    db.setString(a.buf, off, len, result, 0, result.length, Encoding.RAW, Number.NaN);
    if (db.size !== sizeBefore || keyspace.expiredKeys !== expiredBefore) c.changed(a, 2, 'n', 'new', 0);
    c.changed(a, 2, '$', 'set');
  } else if (db.delete(a.buf, off, len)) {
    c.changed(a, 2, 'g', 'del');
  }
  c.out.int(result.length);
}
