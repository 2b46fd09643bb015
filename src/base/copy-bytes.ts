/** Up to this many bytes a loop is faster than TypedArray.set with its subarray object. */
const LOOP_MAX = 96;

/** Copies bytes; the ranges must not overlap. Hot: kept small, so that it is inlined everywhere. */
export function copyBytes(from: Uint8Array, fromOff: number, to: Uint8Array, toOff: number, bytes: number): void {
  if (bytes > 16) copyMore(from, fromOff, to, toOff, bytes);
  else for (let i = 0; i < bytes; i++) to[toOff + i] = from[fromOff + i]!;
}

/** Eight at a time: half of what a byte costs is the loop. */
function copyMore(from: Uint8Array, fromOff: number, to: Uint8Array, toOff: number, bytes: number): void {
  const end = fromOff + bytes;
  if (bytes > LOOP_MAX) {
    to.set(from.subarray(fromOff, end), toOff);
    return;
  }
  let a = fromOff;
  let b = toOff;
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
