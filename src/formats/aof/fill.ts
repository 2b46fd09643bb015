/**
 * The fill of a log whose file is longer than what is logged: room that a busy log writes into, so that a sync need not also
 * make a new length durable (log-file.ts). It reads as annotation lines, which every server that knows the multi-part AOF
 * skips:
 *
 *   ...#CK:49:8a1f09d2\r\n#~~~~~~~\n#FILL~~~~...~~~~\n#FILL~~~~...~~~~\n
 *                         |         |
 *                         |         a line of 64 bytes; which byte stands where follows from its offset in the file
 *                         the log's end: always '#', so that what is left of the line it stands in is a line, too
 *
 * A turn's bytes replace fill, and end with a #CK line, but never where a sector ends. When the machine loses power meanwhile,
 * some sectors hold the new bytes and others still fill: fill within the turn, or a turn that ends with a sector. That is how a
 * write that was under way is told from damage (`isTornWrite`).
 *
 * Lines begin in the middle of sectors, not at their start: wherever a sector begins or ends, fill has a `~` there, which no
 * single flipped bit makes of a byte that RESP has at its edges.
 */

const LINE = 64;
/** Where lines begin, modulo LINE. */
const PHASE = 32;
const PATTERN = Buffer.from(`#FILL${'~'.repeat(LINE - 6)}\n`);
/** What disks write whole, at least; in bytes. */
export const SECTOR = 512;
const HASH = 35;
const LETTER_T = 84;
const CHECKSUM_LINE = /\n#CK:(\d{1,15}):[0-9a-f]{8}\r\n/g;

function fillByte(offset: number): number {
  return PATTERN[(offset + LINE - PHASE) % LINE]!;
}

/** Where the fill of a file should end, if it is to end at `offset` or a little later: with a whole line. */
export function fillEnd(offset: number): number {
  return Math.ceil((offset - PHASE) / LINE) * LINE + PHASE;
}

/** The fill of bytes [from, to) of a file; `begins` where the log ends at `from`. */
export function fillBytes(from: number, to: number, begins: boolean): Buffer {
  const turn = (from + LINE - PHASE) % LINE;
  const bytes = Buffer.alloc(to - from, Buffer.concat([PATTERN.subarray(turn), PATTERN.subarray(0, turn)]));
  if (begins && bytes.length > 0) bytes[0] = HASH;
  return bytes;
}

/** Whether `bytes[from, to)` are fill; `bytes[0]` is byte `at` of its file. */
export function isFill(bytes: Uint8Array, from: number, to: number, at: number): boolean {
  for (let i = from; i < to; i++) {
    if (bytes[i] !== fillByte(at + i)) return false;
  }
  return true;
}

/** Whether the byte may stand in room that nothing was logged into: fill, or what a file system leaves in its place. */
export function isRoom(byte: number, offset: number): boolean {
  return byte === 0 || byte === fillByte(offset);
}

/**
 * Whether a log ends in a write that a power cut has left in parts. If so, nothing from `at` on was ever acknowledged: whatever
 * was synced since the last #CK line is covered by another one, without a sector of fill.
 *
 * @param tail the file from behind its last good #CK line to its end
 * @param at   offset of `tail[0]` in the file
 */
export function isTornWrite(tail: Uint8Array, at: number): boolean {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.length);
  const text = bytes.toString('latin1');
  CHECKSUM_LINE.lastIndex = 0;
  let others = false;
  for (let match = CHECKSUM_LINE.exec(text); match !== null; match = CHECKSUM_LINE.exec(text)) {
    const line = match.index + 1;
    // The turn's own sum: the turn is as long as it says.
    if (Number(match[1]) === line) return hasFillSector(bytes, line, at);
    others = true;
  }
  // Something was sealed behind it, so it is not the end of the log.
  if (others) return false;
  let end = bytes.length;
  while (end > 0 && isRoom(bytes[end - 1]!, at + end - 1)) end--;
  // No fill is behind it: the log grew, as logs do that are not busy, and not all that was synced is summed up.
  if (!bytes.includes(PATTERN, end)) return false;
  // Nothing but the '#' at the log's end.
  if (end === 0 || (end === 1 && bytes[0] === HASH)) return false;
  return (at + end) % SECTOR === 0 || hasFillSector(bytes, end, at);
}

/** Whether a sector, or what of one lies in `bytes[0, to)`, is still fill. */
function hasFillSector(bytes: Uint8Array, to: number, at: number): boolean {
  for (let from = 0; from < to; ) {
    const next = Math.min(to, from + SECTOR - ((at + from) % SECTOR));
    // The log's end was a '#', whatever the pattern has there; a turn may begin with one, too, in a #TS line.
    const begins = from === 0 && bytes[0] === HASH && bytes[1] !== LETTER_T;
    if (isFill(bytes, begins ? 1 : from, next, at)) return true;
    from = next;
  }
  return false;
}
