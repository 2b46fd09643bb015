/** Up to this many bytes a loop is faster than TypedArray.set with its subarray object. */
const LOOP_MAX = 128;

/** Copies bytes; the ranges must not overlap. Hot: short, so that it is inlined everywhere. */
export function copyBytes(from: Uint8Array, fromOff: number, to: Uint8Array, toOff: number, bytes: number): void {
  if (bytes > 16) copyMore(from, fromOff, to, toOff, bytes);
  else for (let i = 0; i < bytes; i++) to[toOff + i] = from[fromOff + i]!;
}

/** Many at a time, for half of what a byte costs is the loop; and long enough for V8 to leave it a function of its own. */
function copyMore(from: Uint8Array, fromOff: number, to: Uint8Array, toOff: number, bytes: number): void {
  const end = fromOff + bytes;
  if (bytes > LOOP_MAX) {
    to.set(from.subarray(fromOff, end), toOff);
    return;
  }
  let a = fromOff;
  let b = toOff;
  for (; a + 32 <= end; a += 32, b += 32) {
    to[b] = from[a]!;
    to[b + 1] = from[a + 1]!;
    to[b + 2] = from[a + 2]!;
    to[b + 3] = from[a + 3]!;
    to[b + 4] = from[a + 4]!;
    to[b + 5] = from[a + 5]!;
    to[b + 6] = from[a + 6]!;
    to[b + 7] = from[a + 7]!;
    to[b + 8] = from[a + 8]!;
    to[b + 9] = from[a + 9]!;
    to[b + 10] = from[a + 10]!;
    to[b + 11] = from[a + 11]!;
    to[b + 12] = from[a + 12]!;
    to[b + 13] = from[a + 13]!;
    to[b + 14] = from[a + 14]!;
    to[b + 15] = from[a + 15]!;
    to[b + 16] = from[a + 16]!;
    to[b + 17] = from[a + 17]!;
    to[b + 18] = from[a + 18]!;
    to[b + 19] = from[a + 19]!;
    to[b + 20] = from[a + 20]!;
    to[b + 21] = from[a + 21]!;
    to[b + 22] = from[a + 22]!;
    to[b + 23] = from[a + 23]!;
    to[b + 24] = from[a + 24]!;
    to[b + 25] = from[a + 25]!;
    to[b + 26] = from[a + 26]!;
    to[b + 27] = from[a + 27]!;
    to[b + 28] = from[a + 28]!;
    to[b + 29] = from[a + 29]!;
    to[b + 30] = from[a + 30]!;
    to[b + 31] = from[a + 31]!;
  }
  for (; a + 8 <= end; a += 8, b += 8) {
    to[b] = from[a]!;
    to[b + 1] = from[a + 1]!;
    to[b + 2] = from[a + 2]!;
    to[b + 3] = from[a + 3]!;
    to[b + 4] = from[a + 4]!;
    to[b + 5] = from[a + 5]!;
    to[b + 6] = from[a + 6]!;
    to[b + 7] = from[a + 7]!;
  }
  for (; a < end; a++, b++) to[b] = from[a]!;
}
