/** LCS: the longest common subsequence of two strings, by the table of lengths that its definition gives. */
import { CommandError } from '../base/errors.js';
import type { Args } from '../formats/resp/args.js';
import { ItemType, itemType, itemValueBytes, itemValueIndex } from '../memory/item.js';
import type { Context } from './context.js';
import { NOT_INTEGER, SYNTAX } from './errors.js';

const NOT_STRINGS = new CommandError('ERR The specified keys must contain string values');
const LEN_AND_IDX = new CommandError('ERR If you want both the length and indexes, please just use IDX.');
const TOO_MUCH = new CommandError('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
const EMPTY = new Uint8Array(0);

/** A view of the entry's string, empty for none. */
function text(c: Context, entry: number): Uint8Array {
  if (entry === 0) return EMPTY;
  const { arena } = c.keyspace;
  if (itemType(arena, entry) !== ItemType.STRING) throw NOT_STRINGS;
  const at = itemValueIndex(arena, entry);
  return arena.bytesOf(entry).subarray(at, at + itemValueBytes(arena, entry));
}

interface Options {
  onlyLength: boolean;
  ranges: boolean;
  withLengths: boolean;
  /** Shorter common ranges are left out. */
  bytesMin: number;
}

function parseOptions(a: Args): Options {
  const options = { onlyLength: false, ranges: false, withLengths: false, bytesMin: 0 };
  for (let i = 3; i < a.count; i++) {
    if (a.is(i, 'IDX')) options.ranges = true;
    else if (a.is(i, 'LEN')) options.onlyLength = true;
    else if (a.is(i, 'WITHMATCHLEN')) options.withLengths = true;
    else if (a.is(i, 'MINMATCHLEN') && i + 1 < a.count) {
      const bytes = a.int64(++i);
      if (bytes === null) throw NOT_INTEGER;
      options.bytesMin = Math.max(0, Number(bytes));
    } else throw SYNTAX;
  }
  if (options.ranges && options.onlyLength) throw LEN_AND_IDX;
  return options;
}

/** lengths[i * (y.length + 1) + j]: length of the longest common subsequence of the first i of x and j of y. */
function table(x: Uint8Array, y: Uint8Array): Uint32Array {
  const width = y.length + 1;
  const lengths = new Uint32Array((x.length + 1) * width);
  for (let i = 1; i <= x.length; i++) {
    const row = i * width;
    const byte = x[i - 1]!;
    for (let j = 1; j <= y.length; j++) {
      const above = lengths[row - width + j]!;
      const left = lengths[row + j - 1]!;
      lengths[row + j] = byte === y[j - 1] ? lengths[row - width + j - 1]! + 1 : Math.max(above, left);
    }
  }
  return lengths;
}

export function lcs(c: Context, a: Args): void {
  // Both are looked for, whatever the first one is: that counts, and may be told.
  const first = c.read(a, 1);
  const second = c.read(a, 2);
  const x = text(c, first);
  const y = text(c, second);
  const options = parseOptions(a);
  if ((x.length + 1) * (y.length + 1) * 4 > c.keyspace.limits.protoMaxBulkLen) throw TOO_MUCH;
  const lengths = table(x, y);
  const common = lengths[lengths.length - 1]!;
  if (options.onlyLength) c.out.int(common);
  else if (options.ranges) replyRanges(c, x, y, lengths, options);
  else replyCommon(c, x, y, lengths);
}

/** Steps back through the table from its end; calls `visit(i, j)` for each common byte x[i] = y[j], last one first. */
function walkBack(x: Uint8Array, y: Uint8Array, lengths: Uint32Array, visit: (i: number, j: number) => void): void {
  const width = y.length + 1;
  let i = x.length;
  let j = y.length;
  while (i > 0 && j > 0) {
    if (x[i - 1] === y[j - 1]) visit(--i, --j);
    else if (lengths[(i - 1) * width + j]! > lengths[i * width + j - 1]!) i--;
    else j--;
  }
}

function replyCommon(c: Context, x: Uint8Array, y: Uint8Array, lengths: Uint32Array): void {
  const bytes = new Uint8Array(lengths[lengths.length - 1]!);
  let at = bytes.length;
  walkBack(x, y, lengths, (i) => {
    bytes[--at] = x[i]!;
  });
  c.out.bulk(bytes);
}

function replyRanges(c: Context, x: Uint8Array, y: Uint8Array, lengths: Uint32Array, options: Options): void {
  const { out } = c;
  out.map(2);
  out.bulkText('matches');
  const start = out.pos;
  let ranges = 0;
  // The range that is growing towards the front; 0 bytes: none.
  let fromX = 0;
  let fromY = 0;
  let bytes = 0;
  const emit = (): void => {
    if (bytes === 0 || bytes < options.bytesMin) return;
    out.array(options.withLengths ? 3 : 2);
    for (const from of [fromX, fromY]) {
      out.array(2);
      out.int(from);
      out.int(from + bytes - 1);
    }
    if (options.withLengths) out.int(bytes);
    ranges++;
  };
  walkBack(x, y, lengths, (i, j) => {
    if (bytes === 0 || i !== fromX - 1 || j !== fromY - 1) {
      emit();
      bytes = 0;
    }
    fromX = i;
    fromY = j;
    bytes++;
  });
  emit();
  out.arrayAt(start, ranges);
  out.bulkText('len');
  out.int(lengths[lengths.length - 1]!);
}
