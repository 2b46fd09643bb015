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
 * A turn's bytes replace fill, and end with a #CK line, but neither where a sector ends nor one byte before. When the machine
 * loses power meanwhile, some sectors hold the new bytes and others still fill, and the two meet where a sector ends. That is how
 * a write that was under way is told from damage (`isTornWrite`).
 *
 * Lines begin in the middle of sectors, not at their start: wherever a sector begins or ends, fill has a `~` there, which no
 * single flipped bit makes of a byte that RESP has at its edges.
 */

import { crc32 } from '../../base/crc32.js';

const LINE = 64;
/** Where lines begin, modulo LINE. */
const PHASE = 32;
const PATTERN = Buffer.from(`#FILL${'~'.repeat(LINE - 6)}\n`);
/** What disks write whole, at least; in bytes. */
export const SECTOR = 512;
/** The line behind the last turn in room. It is on disk before the room is cut off, and anything written behind it. */
export const END_OF_ROOM = Buffer.from('#CK:0:00000000\r\n');
/** As it is written while there is fill behind it. */
export const END_OVER_FILL = Buffer.concat([END_OF_ROOM, Buffer.from('#')]);
const HASH = 35;
const STAR = 42;
const STAMP = Buffer.from('#TS:');
const CHECKSUM_START = Buffer.from('\n#CK:');
const CHECKSUM_LINE = /^\n#CK:(\d{1,15}):([0-9a-f]{8})(:s)?\r\n/;

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
 * Whether a log ends in a write that a power cut has left in parts: behind the last #CK line that holds, and before the next
 * one, a sector of fill borders on one that has been written. If so, nothing from `at` on was ever acknowledged.
 *
 * Whole turns end within a sector, and so does fill that was left and gone on behind by a stock server. Two bytes at the border
 * must say that it is one, for a single one may be fill that has rotted. And no later turn may know that it was on disk.
 *
 * @param tail the file from behind its last good #CK line to its end
 * @param at   offset of `tail[0]` in the file
 */
export function isTornWrite(tail: Uint8Array, at: number): boolean {
  if (isTornEnd(tail, at)) return true;
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, endOfChecksumLine(tail));
  for (let border = SECTOR - (at % SECTOR); border < bytes.length; border += SECTOR) {
    const from = Math.max(0, border - SECTOR);
    const to = Math.min(border + SECTOR, bytes.length);
    if (isUnwritten(bytes, from, border, at)) {
      if (to > border + 1 && isWritten(bytes, border, at) && isWritten(bytes, border + 1, at)) return !wasSynced(tail);
    } else if (isUnwritten(bytes, border, to, at)) {
      if (border === 1 ? bytes[0] === STAR : isWritten(bytes, border - 1, at) && isWritten(bytes, border - 2, at))
        return !wasSynced(tail);
    }
  }
  return false;
}

/**
 * Whether only a part of the line that ends room came to the disk: over fill, or at the end of the file, where there may be
 * zeros in its place. A turn is longer.
 */
function isTornEnd(tail: Uint8Array, at: number): boolean {
  const atEnd = tail.length <= END_OF_ROOM.length;
  return tail.every((byte, i) => byte === fillByte(at + i) || byte === END_OVER_FILL[i] || (atEnd && byte === 0));
}

/** Whether a turn further on, whole and right, says that all before it was on disk when it was written. */
function wasSynced(tail: Uint8Array): boolean {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.length);
  for (let i = bytes.indexOf(CHECKSUM_START); i >= 0; i = bytes.indexOf(CHECKSUM_START, i + 1)) {
    const match = CHECKSUM_LINE.exec(bytes.toString('latin1', i, i + 40));
    if (match?.[3] === undefined) continue;
    const from = i + 1 - Number(match[1]);
    if (from > 0 && crc32(bytes.subarray(from, i + 1)) === Number.parseInt(match[2]!, 16)) return true;
  }
  return false;
}

/** Index behind the first #CK line, or behind all. */
function endOfChecksumLine(tail: Uint8Array): number {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.length);
  for (let i = bytes.indexOf(CHECKSUM_START); i >= 0; i = bytes.indexOf(CHECKSUM_START, i + 1)) {
    const match = CHECKSUM_LINE.exec(bytes.toString('latin1', i, i + 40));
    if (match !== null) return i + match[0].length;
  }
  return bytes.length;
}

/** As `isFill`, but for the '#' at the log's end. */
function isUnwritten(bytes: Uint8Array, from: number, to: number, at: number): boolean {
  if (from > 0 || bytes[0] !== HASH) return isFill(bytes, from, to, at);
  return beginsWithMark(bytes) && isFill(bytes, 1, to, at);
}

/** Zeros are nobody's: something has lost what was there. */
function isWritten(bytes: Uint8Array, i: number, at: number): boolean {
  return bytes[i] !== 0 && bytes[i] !== fillByte(at + i) && !(i === 0 && beginsWithMark(bytes));
}

/** Whether the first byte is the '#' at the log's end. A turn may begin with one, too: of a #TS line. */
function beginsWithMark(bytes: Uint8Array): boolean {
  let differences = 0;
  for (let i = 0; i < STAMP.length; i++) if (bytes[i] !== STAMP[i]) differences++;
  return bytes[0] === HASH && differences > 1;
}
